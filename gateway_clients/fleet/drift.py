"""Which fields of which operation are not as the contract says, over all processes: since when, how often, until when.

A field counts as quarantined until an answer of its operation has read right again. One that drifts again soon after
has drifted on; later it is another spell, and the spells before are kept.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from redis import Redis
from redis.client import Pipeline

from gateway_clients.fleet.counters import Counts
from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord, Record

#: Seconds that a field is remembered after it drifted last.
REMEMBERED_SECONDS: Final = 7 * 86_400
MOST_FIELDS: Final = 500
#: Spells of a field that are remembered besides the last one.
MOST_SPELLS: Final = 20
#: Seconds for which a field has to read right to have ended its spell: of two answers one may lack it.
BETWEEN_SPELLS_SECONDS: Final = 60.0
#: The field that stands for an item that was left out of its list.
ITEM: Final = "(item)"
#: How names of counts begin that say what portals saw.
SAW: Final = "drift|"


class DriftSpell(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a field drifted, until an answer read right again, in seconds since the Unix epoch.

    `saw`: how many answers to portals lacked it, by route.
    """

    since: float
    until: float
    times: int
    saw: dict[str, int] = {}


class DriftedField(msgspec.Struct, frozen=True, kw_only=True):
    """One field, and how it has drifted last: `times` and `saw` are of that spell, `spells` those before it.

    Moments are seconds since the Unix epoch; `right_at` is 0 until an answer has read right again.
    """

    service: str
    operation: str
    field: str
    since: float
    last_at: float
    times: int = 0
    right_at: float = 0.0
    shape: str = ""
    saw: dict[str, int] = {}
    spells: tuple[DriftSpell, ...] = ()

    @property
    def is_quarantined(self) -> bool:
        """Whether no answer has read right since it drifted last."""
        return self.right_at < self.last_at

    @property
    def name(self) -> str:
        """The unique name of the drift."""
        return f"{self.service}|{self.operation}|{self.field}"


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(DriftedField)


class DriftBook:
    """What this process has seen since it was last told, and what all have in Redis. `now`: since the Unix epoch."""

    def __init__(self, prefix: str, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._name = f"{prefix}:fleet:drift"
        self._lock = threading.Lock()
        self._seen: dict[str, DriftedField] = {}
        self._drifting: dict[str, set[str]] = {}
        self._right: dict[str, float] = {}

    def hear(self, record: Record) -> None:
        """The hook. An answer's drift is told behind its call, so a good call alone says that its fields read right."""
        operation = f"{record.service}|{record.operation}"
        now = self._now()
        with self._lock:
            if isinstance(record, DriftRecord):
                self._right.pop(operation, None)
                names = (*record.fields, *((ITEM,) if record.omitted else ()))
                for field in names:
                    self._see(record, field, now)
            elif isinstance(record, CallRecord) and record.outcome == "ok" and operation in self._drifting:
                self._right[operation] = now

    def _see(self, record: DriftRecord, field: str, now: float) -> None:
        fresh = DriftedField(service=record.service, operation=record.operation, field=field, since=now, last_at=now)
        seen = self._seen.get(fresh.name)
        if seen is None:
            if len(self._seen) >= MOST_FIELDS:
                return
            seen = fresh
        self._seen[fresh.name] = replace(
            seen,
            last_at=now,
            times=seen.times + (record.omitted if field == ITEM else 1),
            shape=record.shapes.get(field, seen.shape),
        )
        self._drifting.setdefault(f"{record.service}|{record.operation}", set()).add(fresh.name)

    def tell(self, redis: Redis, counts: Counts) -> None:
        """Adds what was seen, and what `counts` say that portals saw of it, to what all have seen."""
        with self._lock:
            seen, self._seen = self._seen, {}
            right, self._right = self._right, {}
        saw = {name: count for name, count in counts.items() if name.startswith(SAW)}
        if not seen and not right and not saw:
            return

        def add(pipeline: Pipeline) -> None:
            found: Any = pipeline.hgetall(self._name)
            known = {field.name: field for raw in found.values() if (field := _decoded(raw)) is not None}
            changed = _changed(known, seen, right, saw)
            pipeline.multi()
            for name, field in changed.items():
                pipeline.hset(self._name, name, _ENCODER.encode(field))
            pipeline.expire(self._name, REMEMBERED_SECONDS)

        redis.transaction(add, self._name)

    def fields(self, redis: Redis) -> list[DriftedField]:
        """All that drifted lately, the latest first; what is older is dropped."""
        found: Any = redis.hgetall(self._name)
        fields, old = [], []
        for name, raw in found.items():
            field = _decoded(raw)
            if field is None or field.last_at < self._now() - REMEMBERED_SECONDS:
                old.append(name)
            else:
                fields.append(field)
                self._drifting.setdefault(f"{field.service}|{field.operation}", set()).add(field.name)
        if old:
            redis.hdel(self._name, *old)
        return sorted(fields, key=lambda field: (not field.is_quarantined, -field.last_at))


def saw_name(field: str, *, service: str, operation: str, route: str) -> str:
    """What an answer to a portal that lacked a field is counted under."""
    return f"{SAW}{service}|{operation}|{field}|{route}"


def _changed(
    known: Mapping[str, DriftedField],
    seen: Mapping[str, DriftedField],
    right: Mapping[str, float],
    saw: Mapping[str, int],
) -> dict[str, DriftedField]:
    """The fields that are other than they were known."""
    changed = {name: _continued(known.get(name), field) for name, field in seen.items()}
    for name, count in saw.items():
        drifted, _, route = name.removeprefix(SAW).rpartition("|")
        field = changed.get(drifted) or known.get(drifted)
        if field is not None:
            changed[drifted] = replace(field, saw={**field.saw, route: field.saw.get(route, 0) + count})
    for field in {**known, **changed}.values():
        at = right.get(f"{field.service}|{field.operation}", 0.0)
        if at > field.last_at and field.is_quarantined:
            changed[field.name] = replace(field, right_at=at)
    return changed


def _continued(earlier: DriftedField | None, seen: DriftedField) -> DriftedField:
    """What was known of a field, and what is seen of it now."""
    if earlier is None:
        return seen
    shape = seen.shape or earlier.shape
    if earlier.is_quarantined or seen.since - earlier.right_at < BETWEEN_SPELLS_SECONDS:
        last_at = max(earlier.last_at, seen.last_at)
        return replace(earlier, last_at=last_at, times=earlier.times + seen.times, shape=shape)
    spell = DriftSpell(since=earlier.since, until=earlier.right_at, times=earlier.times, saw=earlier.saw)
    return replace(seen, right_at=earlier.right_at, shape=shape, spells=(*earlier.spells, spell)[-MOST_SPELLS:])


def _decoded(raw: bytes) -> DriftedField | None:
    try:
        return _DECODER.decode(raw)
    except (ValueError, RecursionError):
        return None
