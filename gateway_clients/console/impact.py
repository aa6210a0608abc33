"""What a lever on an upstream touches: the views that use it, their share of the answers, its calls."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway_clients.console.measurements import Measurements, part, parts
from gateway_clients.console.routes import route_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The views by name, the percentage of the answers of the last hour that are theirs, calls a second now."""

    views: Sequence[str]
    answer_percent: float
    calls_per_second: float

    @property
    def text(self) -> str:
        """The impact in a line: `3 views, 11 % of the answers of the last hour, 40 calls/s`."""
        views = f"{len(self.views)} {'view' if len(self.views) == 1 else 'views'}"
        return (
            f"{views}, {self.answer_percent:.0f} % of the answers of the last hour, {self.calls_per_second:.3g} calls/s"
        )


def impact_of(service: str, found: Measurements) -> Impact:
    """Returns the views that an upstream's failure affects at the moment."""
    answers = {route: sum(counts.values()) for route, counts in parts(found.hour, "view").items()}
    users = [route for route, services in parts(found.hour, "uses").items() if service in services]
    everything = sum(answers.values())
    return Impact(
        views=sorted(route_text(route) for route in users),
        answer_percent=100 * sum(answers.get(route, 0) for route in users) / everything if everything else 0.0,
        calls_per_second=part(found.recent, "call", service, "calls") / found.recent_seconds,
    )
