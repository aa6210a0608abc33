"""What is wrong, since when, and whom it hurts: read off the upstreams' lines and the counts of five minutes."""

from collections.abc import Sequence
from typing import Final

from django.urls import reverse

from gateway_clients.console.figures import Trouble
from gateway_clients.console.measurements import Measurements, part, parts
from gateway_clients.console.routes import route_text
from gateway_clients.console.upstream_lines import UpstreamLine
from gateway_clients.fleet.counters import FINE

#: An upstream that fails or is slow for more than this share of so many calls is in trouble, its breaker closed or not.
BAD_PERCENT: Final = 10.0
FEWEST_CALLS: Final = 10
MOST_VIEWS: Final = 3


def troubles_of(lines: Sequence[UpstreamLine], found: Measurements) -> list[Trouble]:
    """The troubles, the worst first."""
    troubles = [trouble for line in lines if (trouble := _of_upstream(line, found)) is not None]
    troubles += _of_sheds(found)
    drifted = [field for field in found.drift if field.is_quarantined]
    if drifted:
        names = sorted({field.service for field in drifted})
        troubles.append(
            Trouble(
                tone="fair",
                title=f"{', '.join(names)}: {len(drifted)} fields are not as the contract says",
                since=min(field.since for field in drifted),
                whom="sections, which are shown without these fields and say so",
                help="Tell the owners of the service.",
                url=reverse("admin:console_contractdrift_changelist"),
                action="Contract drift",
            )
        )
    return sorted(troubles, key=lambda trouble: trouble.tone != "bad")


def _of_upstream(line: UpstreamLine, found: Measurements) -> Trouble | None:
    url = reverse("admin:console_breaker_changelist") + f"#upstream-{line.name}"
    whom = whom_it_hurts(line.name, found)
    if line.override:
        return Trouble(
            tone="bad" if line.state == "open" else "fair",
            title=f"{line.name} is {line.word} by staff",
            since=line.since,
            whom=whom,
            help="It ends by itself; back to normal ends it now.",
            url=url,
            action="Breakers",
        )
    if line.state != "closed":
        words = "its breaker is open" if line.state == "open" else "its breaker lets one call through at a time"
        return Trouble(
            tone="bad",
            title=f"{line.name} fails: {words}",
            since=line.since,
            whom=whom,
            help="The next probe closes it when the service answers. Tell its owners.",
            url=url,
            action="Breakers",
        )
    bad_percent = line.error_percent + line.slow_percent
    if line.calls >= FEWEST_CALLS and bad_percent > BAD_PERCENT:
        return Trouble(
            tone="fair",
            title=f"{line.name}: {bad_percent:.0f} % of its calls fail or are slow",
            since=_bad_since(line.name, found),
            whom=whom,
            help="Force its breaker open if it holds the others up.",
            url=url,
            action="Breakers",
        )
    if line.is_paused:
        return Trouble(tone="fair", title=f"{line.name} asked for a pause (429)", whom=whom, url=url)
    return None


def _bad_since(service: str, found: Measurements) -> float | None:
    """When the run of slices began in which the upstream is in trouble; None where the latest with calls is in none."""
    seconds = seconds_of_run = 0
    for counts in reversed(found.fine):
        seconds += FINE.seconds
        calls = part(counts, "call", service, "calls")
        bad = part(counts, "call", service, "errors") + part(counts, "call", service, "slow")
        if calls and 100 * bad / calls <= BAD_PERCENT:
            break
        if bad:
            seconds_of_run = seconds
    if not seconds_of_run or not found.processes:
        return None
    return max(status.reported_at for status in found.processes) - seconds_of_run


def whom_it_hurts(service: str, found: Measurements) -> str:
    """The views whose answers of the last five minutes were hurt by an upstream, the most hurt first."""
    answers = parts(found.late, "view")
    hurt = {route: services[service] for route, services in parts(found.late, "hurt").items() if services.get(service)}
    if not hurt:
        return "nobody in the last five minutes"
    worst = sorted(hurt, key=lambda route: -hurt[route])
    told = []
    for route in worst[:MOST_VIEWS]:
        asked = max(hurt[route], sum(answers.get(route, {}).values()))
        told.append(f"{route_text(route)}: {hurt[route]} of {asked} answers ({100 * hurt[route] / asked:.0f} %)")
    more = f", and {len(worst) - MOST_VIEWS} more views" if len(worst) > MOST_VIEWS else ""
    return "; ".join(told) + more


def _of_sheds(found: Measurements) -> list[Trouble]:
    shed = {route: views["shed"] for route, views in parts(found.late, "view").items() if views.get("shed")}
    if not shed:
        return []
    worst = max(shed, key=lambda route: shed[route])
    return [
        Trouble(
            tone="fair",
            title=f"{sum(shed.values())} requests were shed in the last five minutes",
            whom=f"most of all {route_text(worst)}",
            help="Find the slow upstream; add a gateway when all are well.",
            url=reverse("admin:console_explanation_changelist") + "?kind=shed",
            action="Explain one",
        )
    ]
