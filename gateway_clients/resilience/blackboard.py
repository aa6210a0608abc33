"""Where the processes write for each other, in Redis, what their breakers do and what staff ordered for them.

What is found there and cannot be read is passed over, item by item, and dropped where it stands in the way.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
import structlog
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

from gateway_clients.caching.guard import RedisGuard
from gateway_clients.caching.refusals import raise_server_refusal
from gateway_clients.caching.scripts import Script
from gateway_clients.instrumentation.rates import Rates
from gateway_clients.resilience.breaker import Override

T = TypeVar("T")
#: Seconds after which a process that has said nothing counts as gone.
GONE_SECONDS: Final = 5
NO_RATES: Final = Rates()
log = structlog.get_logger(__name__)

#: KEYS: the right to probe; ARGV: who holds it. Gives it back where that one still does.
END_PROBE: Final = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]) end return 1")


class BreakerReport(msgspec.Struct, frozen=True):
    """One breaker of one process. `since` is seconds since the Unix epoch, `paused_seconds` what is left of a pause."""

    service: str
    process: str
    state: str
    failures: int
    since: float
    override: str
    paused_seconds: float
    reported_at: float


class OverrideOrder(msgspec.Struct, frozen=True):
    """What staff ordered for a breaker: until when (seconds since the Unix epoch), why, who (an account's id)."""

    override: Override
    until: float
    reason: str
    ordered_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What stands there: the last trip (`process/id`), staff's order and their last reset (an id) of each service."""

    trips: Mapping[str, str]
    orders: Mapping[str, OverrideOrder]
    resets: Mapping[str, str]


class Blackboard:
    """Reads and writes it. Every method raises CacheDownError while Redis does not answer."""

    def __init__(self, guard: RedisGuard, *, prefix: str) -> None:
        self._guard = guard
        self._prefix = f"{prefix}:breakers"
        self._hashes = [f"{self._prefix}:{kind}" for kind in ("trips", "overrides", "resets")]
        self._trips, self._overrides, self._resets = self._hashes
        self._processes = f"{self._prefix}:processes"

    def exchange(
        self, process: str, own_trips: Iterable[str], reports: Sequence[BreakerReport], rates: Rates = NO_RATES
    ) -> News:
        """Says what is new here, and reads what is new elsewhere. One round trip."""

        def run(redis: Redis) -> list[Any]:
            pipeline = redis.pipeline(transaction=False)
            for service in own_trips:
                pipeline.hset(self._trips, service, f"{process}/{uuid.uuid4().hex}")
            pipeline.set(f"{self._prefix}:reports:{process}", msgspec.json.encode(reports), ex=GONE_SECONDS)
            pipeline.set(f"{self._prefix}:rates:{process}", msgspec.json.encode(rates), ex=GONE_SECONDS)
            pipeline.sadd(self._processes, process)
            return self._read(redis, pipeline, self._hashes)

        trips, orders, resets = self._guard.run(run)
        return News(trips=_texts(trips), orders=_orders(orders), resets=_texts(resets))

    def _read(self, redis: Redis, pipeline: Pipeline, hashes: Sequence[str]) -> list[Any]:
        for name in hashes:
            pipeline.hgetall(name)
        all_answers = pipeline.execute(raise_on_error=False)
        raise_server_refusal(all_answers)
        answers = all_answers[-len(hashes) :]
        strange = [name for name, answer in zip(hashes, answers, strict=True) if isinstance(answer, ResponseError)]
        if strange:
            log.warning("breakers.unreadable", names=strange)
            redis.unlink(*strange)
        return [{} if isinstance(answer, ResponseError) else answer for answer in answers]

    def reports(self) -> list[BreakerReport]:
        """The breakers of all processes that are alive."""
        found = (_decoded(raw, list[BreakerReport]) for raw in self._of_the_living("reports").values())
        return [report for reports in found for report in reports or ()]

    def rates(self) -> Mapping[str, Rates]:
        """The rates of all processes that are alive, by process."""
        found = {process: _decoded(raw, Rates) for process, raw in self._of_the_living("rates").items()}
        return {process: rates for process, rates in found.items() if rates is not None}

    def _of_the_living(self, kind: str) -> dict[str, bytes]:
        """What each process says; those that say nothing are forgotten."""

        def gather(redis: Redis) -> dict[str, bytes]:
            processes: list[Any] = sorted(redis.smembers(self._processes))
            if not processes:
                return {}
            raws = redis.mget([f"{self._prefix}:{kind}:".encode() + process for process in processes])
            said = dict(zip(processes, raws, strict=True))
            gone = [process for process, raw in said.items() if raw is None]
            if gone:
                redis.srem(self._processes, *gone)
            return {process.decode(errors="replace"): raw for process, raw in said.items() if raw is not None}

        return self._guard.run(gather)

    def orders(self) -> Mapping[str, OverrideOrder]:
        """Staff's orders, also those that are over."""
        (raw,) = self._guard.run(lambda redis: self._read(redis, redis.pipeline(transaction=False), [self._overrides]))
        return _orders(raw)

    def write_order(self, service: str, order: OverrideOrder) -> None:
        """Staff's order for a breaker, instead of an earlier one."""
        self._guard.run(lambda redis: redis.hset(self._overrides, service, msgspec.json.encode(order)))

    def write_reset(self, service: str) -> None:
        """Ends the order for a breaker, and closes it everywhere."""

        def write(redis: Redis) -> None:
            pipeline = redis.pipeline()
            pipeline.hdel(self._overrides, service)
            pipeline.hset(self._resets, service, uuid.uuid4().hex)
            pipeline.execute()

        self._guard.run(write)

    def take_probe(self, service: str, holder: str, seconds: float) -> bool:
        """Takes the right to probe an upstream, for so long; False: somebody else has it."""
        name, life_ms = f"{self._prefix}:probe:{service}", max(1, int(seconds * 1000))
        return bool(self._guard.run(lambda redis: redis.set(name, holder, nx=True, px=life_ms)))

    def end_probe(self, service: str, holder: str) -> None:
        """Gives that right back, unless it has gone to somebody else meanwhile."""
        self._guard.script(END_PROBE, [f"{self._prefix}:probe:{service}"], [holder])


def _texts(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in raw.items()}


def _orders(raw: Mapping[bytes, bytes]) -> dict[str, OverrideOrder]:
    decoded = {name.decode(errors="replace"): _decoded(value, OverrideOrder) for name, value in raw.items()}
    return {service: order for service, order in decoded.items() if order is not None}


def _decoded(raw: bytes | None, kind: type[T]) -> T | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        log.warning("breakers.unreadable", names=[getattr(kind, "__name__", str(kind))])
        return None
