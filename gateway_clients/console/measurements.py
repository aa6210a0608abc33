"""The numbers of all processes as the console shows them; those of this process alone while Redis is down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from redis import Redis

from gateway_clients.conf import SERVICES
from gateway_clients.fleet.counters import COARSE, FINE, Counts, total
from gateway_clients.fleet.drift import DriftedField
from gateway_clients.fleet.processes import ProcessStatus, own_status
from gateway_clients.fleet.pulse import Pulse, pulse
from gateway_clients.fleet.timeline import TimelineEvent
from gateway_clients.instrumentation.rates import GROWTH, LONGEST
from gateway_clients.redis_access.circuit import CacheDownError

#: Slices that make "now": the last minute, behind the one that is under way.
RECENT_SLICES: Final = 4
#: Slices that make "lately": five minutes, the one under way among them.
LATE_SLICES: Final = 20
MOST_EVENTS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What Redis knew at one moment. Slices are from the oldest on."""

    is_redis_down: bool
    fine: Sequence[Counts] = ()
    coarse: Sequence[Counts] = ()
    processes: Sequence[ProcessStatus] = ()
    events: Sequence[TimelineEvent] = ()
    drift: Sequence[DriftedField] = ()
    #: Of the last minute, the last five, and the last hour.
    recent: Counts = field(default_factory=dict)
    late: Counts = field(default_factory=dict)
    hour: Counts = field(default_factory=dict)
    recent_seconds: float = 60.0


def measure() -> Measurements:
    """Everything in a few round trips."""
    own = pulse()
    try:
        return own.circuit.run(lambda redis: _measured(redis, own))
    except CacheDownError:
        return Measurements(is_redis_down=True, processes=[own_status(own.process)], events=own.timeline.untold)


def _measured(redis: Redis, own: Pulse) -> Measurements:
    fine, coarse = own.counters.slices(redis, FINE), own.counters.slices(redis, COARSE)
    under_way = own.counters.seconds_under_way
    others = [status for status in own.processes.living(redis) if status.process != own.process]
    processes = [own_status(own.process), *others]
    return Measurements(
        is_redis_down=False,
        fine=fine,
        coarse=coarse,
        processes=processes,
        events=own.timeline.latest(redis, MOST_EVENTS),
        drift=own.drift.fields(redis),
        recent=total(fine[-RECENT_SLICES - 1 :]),
        late=total(fine[-LATE_SLICES:]),
        hour=total(coarse),
        recent_seconds=RECENT_SLICES * FINE.seconds + under_way,
    )


def part(counts: Counts, *names: str) -> int:
    """One count; 0 where nothing was counted."""
    return counts.get("|".join(names), 0)


def quantile_ms(counts: Counts, service: str, share: float) -> float | None:
    """The duration that this share of an upstream's calls did not exceed: milliseconds, to a quarter."""
    prefix = f"call|{service}|d"
    numbers = {f"{prefix}{number}": number for number in range(len(LONGEST) + 1)}
    classes = {numbers[name]: count for name, count in counts.items() if name in numbers}
    wanted, seen = share * sum(classes.values()), 0
    for number in sorted(classes):
        seen += classes[number]
        if seen >= wanted:
            return round(float(GROWTH**number), 1)
    return None


def parts(counts: Counts, kind: str) -> Mapping[str, Mapping[str, int]]:
    """The counts of a kind as a table: `parts(counts, "view")[route]["whole"]`."""
    table: dict[str, dict[str, int]] = {}
    for name, count in counts.items():
        first, _, rest = name.partition("|")
        if first == kind and "|" in rest:
            row, _, column = rest.rpartition("|")
            table.setdefault(row, {})[column] = count
    return table


def users_of(counts: Counts) -> Mapping[str, list[str]]:
    """The routes that use each upstream, by name."""
    users: dict[str, list[str]] = {name: [] for name in SERVICES}
    for route, services in parts(counts, "uses").items():
        for service in services:
            users.setdefault(service, []).append(route)
    return {service: sorted(routes) for service, routes in users.items()}
