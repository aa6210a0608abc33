"""What portals are told of what is going to go: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and words."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec
from django.utils.http import http_date

from gateway_clients.edge.output.headers import Header

#: For so long, at least, what is deprecated stays: six months (docs/portals/versions.md).
SHORTEST_STAY: Final = timedelta(days=183)
#: The page that says how something goes.
LINK: Final = '</docs/versions>; rel="deprecation"; type="text/html"'
#: What `msgspec.Meta(extra=…)` of a deprecated field has its words under.
REASON: Final = "deprecated"


class TooSoonError(Exception):
    """What is deprecated would go before portals have had the time that they were promised."""


class Deprecation(msgspec.Struct, frozen=True, kw_only=True):
    """Since which day something is deprecated, from which day on it may be gone, and what to use instead.

    Raises TooSoonError when it is made with too few days in between.
    """

    since: date
    sunset: date
    instead: str

    def __post_init__(self) -> None:
        """Holds the days to what portals were promised."""
        if self.sunset - self.since < SHORTEST_STAY:
            raise TooSoonError(f"{self.sunset} is less than {SHORTEST_STAY.days} days after {self.since}")

    @property
    def words(self) -> str:
        """What portals read of it."""
        return f"Deprecated since {self.since}, may be gone from {self.sunset} on: {self.instead}"

    @property
    def headers(self) -> tuple[Header, ...]:
        """Those of every answer at the address."""
        return (
            ("Deprecation", f"@{_seconds(self.since)}"),
            ("Sunset", http_date(_seconds(self.sunset))),
            ("Link", LINK),
        )

    def field(self, description: str) -> msgspec.Meta:
        """What a deprecated field of a view model is annotated with."""
        return msgspec.Meta(
            description=f"{description} {self.words}",
            extra_json_schema={"deprecated": True},
            extra={REASON: self.words},
        )


def _seconds(day: date) -> int:
    """The day's beginning, seconds since the epoch."""
    return int(datetime.combine(day, time(), UTC).timestamp())
