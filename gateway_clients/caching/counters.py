"""Counters that expire: in Redis, and in this process while Redis does not answer."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.redis_access.script import Script, ScriptCall
from gateway_clients.runtime.expiring_values import ExpiringValues

#: KEYS: a counter; ARGV: by how much, its life in milliseconds from its first count on.
#: Answers its value. A value that is no number is replaced.
COUNT: Final = Script("""
local count = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(count) == 'table' then
  redis.call('SET', KEYS[1], ARGV[1])
  count = tonumber(ARGV[1])
end
if count == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count
""")
#: The longest time in seconds that a count is buffered.
TELL_SECONDS: Final = 0.1
#: Counters that one process keeps while Redis does not answer.
MAX_LOCAL_KEYS: Final = 20_000


class Count:
    """One event that is counted in the next round trip to Redis.

    `value` is the counter after it; None before the count was sent. `likely_exceeds`: the counter was over its limit
    when this process last saw it.
    """

    __slots__ = ("by", "key", "life_seconds", "likely_exceeds", "limit", "value")

    def __init__(
        self, key: str, *, life_seconds: float, by: int = 1, limit: int | None = None, likely_exceeds: bool = False
    ) -> None:
        self.key = key
        self.by = by
        self.life_seconds = life_seconds
        self.limit = limit
        self.likely_exceeds = likely_exceeds
        self.value: int | None = None

    @property
    def is_exceeded(self) -> bool:
        """Whether the count was sent and the counter is over its limit."""
        return self.limit is not None and self.value is not None and self.value > self.limit

    @property
    def script_call(self) -> ScriptCall:
        """The script call that counts it in Redis."""
        return ScriptCall(COUNT, [self.key], [self.by, int(self.life_seconds * 1000)])

    def waive(self, value: int) -> None:
        """Sets the value without asking Redis; it counts as within the limit."""
        self.value, self.limit = value, None

    def count_locally(self) -> None:
        """Counts in this process alone, because Redis does not answer."""
        self.value = LOCAL_COUNTERS.count(self.key, self.by, self.life_seconds)


class LocalCounters:
    """Counters of this process alone, dropped when they expire."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = ExpiringValues[tuple[int, float]](MAX_LOCAL_KEYS, clock)

    def count(self, key: str, by: int, life_seconds: float) -> int:
        """Adds `by` to the counter and returns its value."""
        with self._lock:
            count, ends_at = self._counts.get(key) or (0, self._clock() + life_seconds)
            self._counts.put(key, (count + by, ends_at), ends_at)
            return count + by

    def clear(self) -> None:
        """Drops the counters of this process."""
        with self._lock:
            self._counts.clear()


LOCAL_COUNTERS: Final = LocalCounters()


class _Held:
    """A counter as this process knows it: its last value, its life, and the counts that Redis lacks."""

    __slots__ = ("life_seconds", "pending", "value")

    def __init__(self, value: int, life_seconds: float) -> None:
        self.value = value
        self.life_seconds = life_seconds
        self.pending = 0


def _is_pending(held: _Held) -> bool:
    """Whether Redis lacks counts of it."""
    return held.pending > 0


class HeldCounts:
    """Counts that this process buffers for a moment, for requests that need no round trip to Redis.

    The buffered part of a counter is under its limit ÷ (2 × processes), and no more than the limit leaves to all of
    them together; it is sent every `TELL_SECONDS`, or with the next count that goes to Redis. A counter whose value in
    Redis is not known yet is never buffered.
    """

    def __init__(
        self, circuit: RedisCircuit, *, processes: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._circuit = circuit
        self._processes = processes
        self._clock = clock
        self._lock = threading.Lock()
        self._counters = ExpiringValues[_Held](MAX_LOCAL_KEYS, clock, is_needed=_is_pending)
        self._due: set[str] = set()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, count: Count) -> bool:
        """Buffers the count; returns False when Redis must be asked."""
        if count.limit is None:
            return False
        with self._lock:
            held = self._counters.get(count.key)
            if held is None:
                return False
            processes, pending = self._processes(), held.pending + count.by
            if pending >= count.limit / (2 * processes) or held.value + pending * processes > count.limit:
                return False
            held.pending = pending
            count.value = held.value + pending
            self._due.add(count.key)
            if self._thread is None:
                thread = threading.Thread(target=self._tell_on, name="held-counts", daemon=True)
                # Where the process may have no more threads, the next count starts it.
                with suppress(RuntimeError):
                    thread.start()
                    self._thread = thread
        self._wake.set()
        return True

    def join(self, count: Count) -> None:
        """Adds the buffered part of its counter to a count that goes to Redis now."""
        with self._lock:
            held = self._counters.get(count.key)
            if held is not None:
                count.by, held.pending = count.by + held.pending, 0

    def take_back(self, count: Count) -> bool:
        """Takes a count back from what is buffered of its counter; returns False when Redis has it all."""
        with self._lock:
            held = self._counters.get(count.key)
            if held is None or not held.pending:
                return False
            held.pending -= 1
            count.value = held.value + held.pending
            return True

    def learn(self, count: Count) -> None:
        """Records a counter's value in Redis."""
        assert count.value is not None
        with self._lock:
            held = self._counters.get(count.key)
            if held is not None:
                held.value = max(held.value, count.value)
                return
            held = _Held(count.value, count.life_seconds)
            self._counters.put(count.key, held, self._clock() + count.life_seconds)

    def tell(self) -> None:
        """Sends all buffered counts in one round trip; keeps them when Redis does not answer."""
        with self._lock:
            told = []
            for key in self._due:
                held = self._counters.get(key)
                if held is not None and held.pending:
                    told.append(Count(key, life_seconds=held.life_seconds, by=held.pending))
                    held.pending, held.value = 0, held.value + held.pending
            self._due.clear()
        if not told:
            return
        try:
            answers = self._circuit.scripts([count.script_call for count in told])
        except CacheDownError:
            self._take_back(told)
            return
        for count, answer in zip(told, answers, strict=True):
            count.value = int(answer)
            self.learn(count)

    def _take_back(self, told: Sequence[Count]) -> None:
        with self._lock:
            for count in told:
                held = self._counters.get(count.key)
                if held is not None:
                    held.pending, held.value = held.pending + count.by, held.value - count.by
                    self._due.add(count.key)

    def _tell_on(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(TELL_SECONDS)
            self._wake.clear()
            self.tell()
