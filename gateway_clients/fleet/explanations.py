"""Explained requests in Redis: sealed, for `EXPLAIN_HOURS`, within `EXPLAIN_MEGABYTES`; the oldest go first.

An explanation says what was asked by its route, never by its address, and nothing of what was answered.
"""

import time
from typing import Any, Final

import msgspec
from django.conf import settings
from redis import Redis
from redis.client import Pipeline

from gateway_clients.encryption import UnsealableError, sealer
from gateway_clients.redis_access.script import Script

#: Bytes of one explanation; what goes beyond loses its steps.
MOST_BYTES: Final = 16_384
#: How many of the latest are listed.
MOST_LISTED: Final = 100

#: KEYS: the explanation, the index, the bytes in use. ARGV: the sealed explanation, milliseconds that it is kept, now
#: in milliseconds, its member of the index, its bytes, the most bytes of all. A member ends in `|bytes|id`.
KEEP: Final = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
local used = redis.call('INCRBY', KEYS[3], ARGV[5])
local prefix = string.sub(KEYS[2], 1, -6)
for _ = 1, 100 do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if #oldest == 0 then redis.call('SET', KEYS[3], 0) break end
  local is_over = tonumber(oldest[2]) <= ARGV[3] - ARGV[2]
  if not (is_over or used > tonumber(ARGV[6])) then break end
  local bytes, id = string.match(oldest[1], '|(%d+)|([^|]*)$')
  redis.call('ZREM', KEYS[2], oldest[1])
  used = redis.call('DECRBY', KEYS[3], bytes or 0)
  if id then redis.call('UNLINK', prefix .. id) end
end
return used
""")


class StepExplained(msgspec.Struct, frozen=True, array_like=True):
    """One step of a call: milliseconds since the request began, what, and more of it."""

    at_ms: float
    what: str
    detail: str = ""


class CallExplained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call. Times are milliseconds; `planned_ms` and `left_ms` are the deadline's, None where nobody knows."""

    service: str
    operation: str
    state: str
    started_ms: float = 0.0
    spent_ms: float = 0.0
    planned_ms: float | None = None
    left_ms: float | None = None
    age_seconds: float = 0.0
    error: str | None = None
    omitted: int = 0
    drifted: tuple[str, ...] = ()
    is_follower: bool = False
    is_kept: bool = False
    steps: tuple[StepExplained, ...] = ()


class SectionExplained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One section of a view. `kept_in`: where the whole view was kept, near or in Redis; "" for one put together."""

    view: str
    name: str
    state: str
    kept_in: str = ""
    age_seconds: float = 0.0
    error: str | None = None
    omitted: int = 0
    drifted: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. `at` is when it began, in seconds since the Unix epoch; other times are milliseconds."""

    request_id: str
    at: float
    kind: str
    method: str
    route: str
    status: int
    spent_ms: float
    budget_ms: float
    caller: str = "nobody"
    code: str = ""
    process: str = ""
    version: str = ""
    is_fresh_wanted: bool = False
    is_crowded: bool = False
    calls: tuple[CallExplained, ...] = ()
    sections: tuple[SectionExplained, ...] = ()

    @property
    def left_ms(self) -> float:
        """The rest of the budget in milliseconds."""
        return max(0.0, self.budget_ms - self.spent_ms)


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One explained request in the list."""

    at: float
    kind: str
    method: str
    route: str
    status: int
    spent_ms: float
    request_id: str


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Explanation)


class ExplanationStore:
    """The explanations in Redis. Methods raise RedisError."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}:explained:"
        self._index = f"{self._prefix}index"
        self._bytes = f"{self._prefix}bytes"

    def keep(self, pipeline: Pipeline, explanation: Explanation) -> None:
        """Keeps one, as part of a pipeline."""
        name = f"{self._prefix}{explanation.request_id}"
        sealed = sealer().seal(name, packed(explanation))
        now_ms, kept_ms = int(time.time() * 1000), int(settings.EXPLAIN_HOURS * 3_600_000)
        most_bytes = settings.EXPLAIN_MEGABYTES * 1_000_000
        names = (name, self._index, self._bytes)
        pipeline.eval(
            KEEP.source, 3, *names, sealed, kept_ms, now_ms, _member(explanation, len(sealed)), len(sealed), most_bytes
        )

    def find(self, redis: Redis, request_id: str) -> Explanation | None:
        """The explanation of a request; None where none is kept that this version can read."""
        name = f"{self._prefix}{request_id}"
        sealed: Any = None if name in {self._index, self._bytes} else redis.get(name)
        if sealed is None:
            return None
        try:
            return _DECODER.decode(sealer().open(name, sealed))
        except (UnsealableError, ValueError, RecursionError):
            return None

    def latest(self, redis: Redis, most: int = MOST_LISTED, kind: str = "") -> list[Listed]:
        """The latest, newest first; of one kind where it is named."""
        found: Any = redis.zrevrange(self._index, 0, most * (5 if kind else 1) - 1, withscores=True)
        listed = [entry for member, score in found if (entry := _listed(member, score)) is not None]
        return [entry for entry in listed if kind in {"", entry.kind}][:most]


def packed(explanation: Explanation) -> bytes:
    """The bytes of an explanation, without the steps of its calls where it would be too large."""
    raw = _ENCODER.encode(explanation)
    if len(raw) <= MOST_BYTES:
        return raw
    bare = tuple(msgspec.structs.replace(call, steps=()) for call in explanation.calls[:60])
    return _ENCODER.encode(msgspec.structs.replace(explanation, calls=bare, sections=explanation.sections[:60]))


def _member(explanation: Explanation, size: int) -> str:
    parts = (
        explanation.kind,
        explanation.method,
        str(explanation.status),
        f"{explanation.spent_ms:.0f}",
        explanation.route.replace("|", ""),
        str(size),
        explanation.request_id,
    )
    return "|".join(parts)


def _listed(member: bytes, score: float) -> Listed | None:
    parts = member.decode(errors="replace").split("|")
    if len(parts) != 7 or not parts[2].isdigit() or not parts[3].isdigit():
        return None
    kind, method, status, spent, route, _, request_id = parts
    return Listed(
        at=score / 1000,
        kind=kind,
        method=method,
        route=route,
        status=int(status),
        spent_ms=float(spent),
        request_id=request_id,
    )
