"""Pauses that grow with each wrong try: counted in Redis, and in this process while Redis does not answer."""

import math
import threading
import time
from collections.abc import Callable
from typing import Final

import msgspec

from gateway_clients.edge.rate_limit import limiter_cache
from gateway_clients.redis_access.circuit import CacheDownError
from gateway_clients.redis_access.script import Script, ScriptCall
from gateway_clients.runtime.expiring_values import ExpiringValues

#: Seconds of the first pause; each further one is twice as long as the one before.
FIRST_SECONDS: Final = 15
#: Pauses double so often at most, before they are cut to their limit.
MOST_DOUBLINGS: Final = 20
#: Counters that one process keeps while Redis does not answer.
MAX_LOCAL_KEYS: Final = 20_000

#: KEYS: the counter of tries, the pause; ARGV: how many tries are free, the first pause, the longest one, and how long
#: tries are remembered behind the last one and its pause, in milliseconds. Answers how long the present pause still
#: takes, and how long the one is that this try begins. A counter that is no number is begun anew. A pause that takes
#: longer than the longest one was begun before Redis's clock was set back.
TRY: Final = Script("""
local left = redis.call('PTTL', KEYS[2])
if left > tonumber(ARGV[3]) then
  left = tonumber(ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
if left > 0 then return {left, 0} end
local tries = redis.pcall('INCR', KEYS[1])
if type(tries) == 'table' then
  redis.call('SET', KEYS[1], 1)
  tries = 1
end
local pause = 0
local over = tries - tonumber(ARGV[1])
if over >= 0 then
  pause = math.min(tonumber(ARGV[2]) * 2 ^ math.min(over, 20), tonumber(ARGV[3]))
  redis.call('SET', KEYS[2], 1, 'PX', string.format('%d', pause))
end
redis.call('PEXPIRE', KEYS[1], string.format('%d', ARGV[4] + pause))
return {0, pause}
""")
#: KEYS: as of `TRY`; ARGV: 1 where the try began a pause. Takes the try back.
TAKE_BACK: Final = Script("""
local tries = redis.pcall('DECR', KEYS[1])
if type(tries) == 'table' or tries <= 0 then redis.call('DEL', KEYS[1]) end
if ARGV[1] == '1' then redis.call('DEL', KEYS[2]) end
return 0
""")


class Schedule(msgspec.Struct, frozen=True):
    """How many tries are free, how long a pause is at most, and how long tries are remembered, in seconds."""

    free: int
    longest_seconds: int
    remembered_seconds: int

    def pause_seconds(self, tries: int) -> int:
        """The pause behind so many tries."""
        over = tries - self.free
        return 0 if over < 0 else min(FIRST_SECONDS * 2 ** min(over, MOST_DOUBLINGS), self.longest_seconds)


class Try(msgspec.Struct, frozen=True):
    """A try as it was counted. `wait_seconds` is 0 where it may be made; `began_pause`: others wait for it."""

    key: str
    wait_seconds: int
    began_pause: bool


class LocalPauses:
    """Tries and pauses of this process alone, forgotten when their time is over. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: Tries, until when there is a pause, until when that is remembered.
        self._kept = ExpiringValues[tuple[int, float, float]](MAX_LOCAL_KEYS, clock)

    def count(self, key: str, schedule: Schedule) -> Try:
        """Counts a try, unless there is a pause."""
        now = self._clock()
        with self._lock:
            tries, paused_until, _ = self._kept.get(key) or (0, 0.0, 0.0)
            if paused_until > now:
                return Try(key, math.ceil(paused_until - now), began_pause=False)
            pause = schedule.pause_seconds(tries + 1)
            ends_at = now + pause + schedule.remembered_seconds
            self._kept.put(key, (tries + 1, now + pause, ends_at), ends_at)
            return Try(key, 0, began_pause=pause > 0)

    def take_back(self, tried: Try) -> None:
        """Forgets a try, and the pause that it began."""
        with self._lock:
            kept = self._kept.get(tried.key)
            if kept is not None:
                tries, paused_until, ends_at = kept
                left = (max(0, tries - 1), 0.0 if tried.began_pause else paused_until, ends_at)
                self._kept.put(tried.key, left, ends_at)


LOCAL_PAUSES: Final = LocalPauses()


def count_try(key: str, schedule: Schedule) -> Try:
    """Counts a try, unless there is a pause."""
    args = [
        schedule.free,
        FIRST_SECONDS * 1000,
        schedule.longest_seconds * 1000,
        schedule.remembered_seconds * 1000,
    ]
    try:
        ((left, pause),) = limiter_cache.cache_guard().scripts([ScriptCall(TRY, _names(key), args)])
    except CacheDownError:
        return LOCAL_PAUSES.count(key, schedule)
    return Try(key, math.ceil(int(left) / 1000), began_pause=int(pause) > 0)


def take_back(tried: Try) -> None:
    """Takes a try back, and the pause that it began."""
    call = ScriptCall(TAKE_BACK, _names(tried.key), [int(tried.began_pause)])
    try:
        limiter_cache.cache_guard().scripts([call])
    except CacheDownError:
        LOCAL_PAUSES.take_back(tried)


def _names(key: str) -> list[str]:
    return [key, f"{key}:pause"]
