"""Redis keys in which processes publish the state of their breakers, and that staff's rows have changed.

A value that cannot be read is skipped by itself; a key of a foreign type is deleted.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
import structlog
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from gateway_clients.instrumentation.rates import Rates
from gateway_clients.redis_access.circuit import RedisCircuit
from gateway_clients.redis_access.error_replies import raise_server_refusal
from gateway_clients.redis_access.script import Script
from gateway_clients.resilience.breaker_report import BreakerReport

T = TypeVar("T")
#: Seconds of silence after which a process counts as gone.
GONE_SECONDS: Final = 5
NO_RATES: Final = Rates()
log = structlog.get_logger(__name__)

#: KEYS: the right to probe; ARGV: who takes it, milliseconds that a probe may take. Answers 1, or 0 while another
#: process has it. What lasts for longer is foreign, or of before Redis's clock was set back, and is nobody's right.
TAKE_PROBE: Final = Script("""
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left <= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")

#: KEYS: the right to probe; ARGV: who holds it. Gives it back where that one still does.
END_PROBE: Final = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]) end return 1")

#: KEYS: pauses, names of processes. ARGV: this process, milliseconds after which a silent one is forgotten, then for
#: each pause that is new its upstream, id and milliseconds. Keeps the longer pause of an upstream, and answers
#: {upstream, id, milliseconds left} of each. The times are Redis's own, so that gateways need not agree on a clock.
EXCHANGE: Final = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 3, #ARGV, 3 do
  local ends = now + tonumber(ARGV[i + 2])
  local standing = redis.call('HGET', KEYS[1], ARGV[i]) or ''
  if (tonumber(string.match(standing, '^(%d+) ')) or 0) < ends then
    redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f %s', ends, ARGV[i + 1]))
  end
end
local found = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local ends, id = string.match(all[i + 1], '^(%d+) (.+)$')
  local left = (tonumber(ends) or 0) - now
  if left > 0 then found[#found + 1] = {all[i], id, left} else redis.call('HDEL', KEYS[1], all[i]) end
end
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now - ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return found
""")


class BreakerPause(msgspec.Struct, frozen=True):
    """A pause that an upstream asked a process for, in seconds. The id is `process/…`."""

    id: str
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSnapshot:
    """What a process publishes in one exchange: the upstreams whose breakers tripped, and their pauses."""

    trips: Iterable[str] = ()
    pause_seconds: Mapping[str, float] = field(default_factory=dict)
    reports: Sequence[BreakerReport] = ()
    rates: Rates = NO_RATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What Redis holds by upstream: the last trip (`process/id`), the pause, the revision of staff's row.

    `was_told` is false when Redis did not take this process's own trips and pauses.
    """

    trips: Mapping[str, str]
    pauses: Mapping[str, BreakerPause]
    revisions: Mapping[str, str]
    was_told: bool


class BreakerStore:
    """Reads and writes the keys. Every method raises CacheDownError while Redis does not answer."""

    def __init__(self, circuit: RedisCircuit, *, prefix: str) -> None:
        self._circuit = circuit
        self._prefix = f"{prefix}:breakers"
        self._trips = f"{self._prefix}:trips"
        self._revisions = f"{self._prefix}:revisions"
        self._pauses = f"{self._prefix}:pauses"
        self._names = f"{self._prefix}:names"

    def exchange(self, process: str, own: OwnSnapshot) -> Snapshot:
        """Publishes `own`, returns what all processes published. One round trip; two when foreign keys are deleted."""
        new_ids = {service: f"{process}/{uuid.uuid4().hex}" for service in [*own.trips, *own.pause_seconds]}

        def run(redis: Redis) -> list[Any]:
            answers = self._exchanged(redis, process, own, new_ids)
            foreign = self._foreign(answers)
            if not foreign:
                return answers
            log.warning("breakers.unreadable", names=foreign)
            redis.unlink(*foreign)
            return self._exchanged(redis, process, own, new_ids)

        *told, pauses, trips, revisions = self._circuit.run(run)
        was_told = not any(isinstance(answer, RedisError) for answer in (*told, pauses))
        return Snapshot(trips=_texts(trips), pauses=_pauses(pauses), revisions=_texts(revisions), was_told=was_told)

    def _exchanged(self, redis: Redis, process: str, own: OwnSnapshot, new_ids: Mapping[str, str]) -> list[Any]:
        pipeline: Pipeline = redis.pipeline(transaction=False)
        for service in own.trips:
            pipeline.hset(self._trips, service, new_ids[service])
        pipeline.set(f"{self._prefix}:reports:{process}", msgspec.json.encode(own.reports), ex=GONE_SECONDS)
        pipeline.set(f"{self._prefix}:rates:{process}", msgspec.json.encode(own.rates), ex=GONE_SECONDS)
        pauses: list[str | int] = []
        for service, seconds in own.pause_seconds.items():
            pauses += (service, new_ids[service], max(1, int(seconds * 1000)))
        pipeline.eval(EXCHANGE.source, 2, self._pauses, self._names, process, GONE_SECONDS * 1000, *pauses)
        pipeline.hgetall(self._trips)
        pipeline.hgetall(self._revisions)
        answers = pipeline.execute(raise_on_error=False)
        raise_server_refusal(answers)
        return answers

    def _foreign(self, answers: Sequence[Any]) -> list[str]:
        """Returns the keys that hold a value of another type."""
        names = ([self._pauses, self._names], [self._trips], [self._revisions])
        pairs = zip(names, answers[-len(names) :], strict=True)
        return [name for several, answer in pairs if "WRONGTYPE" in _trouble(answer) for name in several]

    def reports(self) -> list[BreakerReport]:
        """Returns the breakers of all processes that are alive."""
        found = (_decoded(raw, list[BreakerReport]) for raw in self._of_the_living("reports").values())
        return [report for reports in found for report in reports or ()]

    def rates(self) -> Mapping[str, Rates]:
        """Returns the rates of all processes that are alive, by process."""
        found = {process: _decoded(raw, Rates) for process, raw in self._of_the_living("rates").items()}
        return {process: rates for process, rates in found.items() if rates is not None}

    def _of_the_living(self, kind: str) -> dict[str, bytes]:
        """Returns what each process published; silent processes are left out."""

        def gather(redis: Redis) -> dict[str, bytes]:
            processes: list[Any] = sorted(redis.zrange(self._names, 0, -1))
            if not processes:
                return {}
            raws: list[Any] = redis.mget([f"{self._prefix}:{kind}:".encode() + process for process in processes])
            said = zip(processes, raws, strict=True)
            return {process.decode(errors="replace"): raw for process, raw in said if raw is not None}

        return self._circuit.run(gather)

    def tell_ruling(self, service: str, revision: str, *, is_reset: bool) -> None:
        """Publishes the revision of staff's changed row. A reset deletes the upstream's pause too."""

        def write(redis: Redis) -> None:
            pipeline = redis.pipeline()
            pipeline.hset(self._revisions, service, revision)
            if is_reset:
                pipeline.hdel(self._pauses, service)
            pipeline.execute()

        self._circuit.run(write)

    def take_probe(self, service: str, holder: str, seconds: float) -> bool:
        """Takes the right to probe an upstream for `seconds`; returns False when another process has it."""
        name, life_ms = f"{self._prefix}:probe:{service}", max(1, int(seconds * 1000))
        return bool(self._circuit.script(TAKE_PROBE, [name], [holder, life_ms]))

    def end_probe(self, service: str, holder: str) -> None:
        """Gives that right back, unless another process has taken it since."""
        self._circuit.script(END_PROBE, [f"{self._prefix}:probe:{service}"], [holder])


def _trouble(answer: Any) -> str:
    return str(answer) if isinstance(answer, RedisError) else ""


def _texts(answer: Any) -> dict[str, str]:
    if not isinstance(answer, dict):
        return {}
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in answer.items()}


def _pauses(answer: Any) -> dict[str, BreakerPause]:
    if not isinstance(answer, list):
        return {}
    return {
        service.decode(errors="replace"): BreakerPause(identity.decode(errors="replace"), left_ms / 1000)
        for service, identity, left_ms in answer
    }


def _decoded(raw: bytes | None, kind: type[T]) -> T | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        log.warning("breakers.unreadable", names=[getattr(kind, "__name__", str(kind))])
        return None
