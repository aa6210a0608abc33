"""Calls for tests of the pipe: of any service, about anything."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.store import Cache
from gateway_clients.conf import DataClass
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.call import Call
from gateway_clients.redis_access.circuit import RedisCircuit
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.payload_parser import Payload, one

T = TypeVar("T")


class ThingPayload(Payload, frozen=True):
    """What the upstreams of these tests know."""

    value: str


class NotedPayload(ThingPayload, frozen=True):
    """The same with a field that may be missing."""

    note: str | None = None


def key_of(name: str = "thing", *, data_class: DataClass = DataClass.CLAIMS) -> CacheKey:
    """A key about the member m-1."""
    return CacheKey(data_class, name, subject=Subject.member("m-1"))


def call_of(service: str = "claims", **changes: Any) -> Call[ThingPayload]:
    """A read that is not kept, unless it is given a key."""
    fields: dict[str, Any] = {
        "service": service,
        "operation": "getThing",
        "target": "/things/t-1",
        "parse": one(ThingPayload),
        "payload_type": ThingPayload,
    }
    return Call(**(fields | changes))


def write_of(service: str = "claims", **changes: Any) -> Call[ThingPayload]:
    """A write."""
    return call_of(service, method="POST", body=b"{}", is_repeatable=False, **changes)


def gateway_for(
    seconds: float = 3.0,
    *,
    cache: Cache | None = None,
    is_fresh_wanted: bool = False,
    request_id: str = "r-1",
    waited_seconds: float = 0.0,
) -> Gateway:
    """The clients of a request that has so much time left, and has waited so long for its turn."""
    made = Gateway(
        request_id=request_id,
        deadline=Deadline.after(seconds),
        is_fresh_wanted=is_fresh_wanted,
        waited_seconds=waited_seconds,
    )
    if cache is not None:
        made.fan_out.cache = cache
    return made


def cache_that_is_down() -> Cache:
    """On a Redis that refuses connections."""
    redis = Redis(host="127.0.0.1", port=1, socket_timeout=0.1, retry=Retry(NoBackoff(), 0))
    return Cache(RedisCircuit(lambda: redis, sleep=_for_ever))


def _for_ever(_seconds: float) -> None:
    threading.Event().wait()


class Running(Generic[T]):
    """A function on a thread of its own: what it came to, and how long it took."""

    def __init__(self, run: Callable[[], T]) -> None:
        self._run = run
        self._result: T | None = None
        self.error: Exception | None = None
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def _go(self) -> None:
        started_at = time.monotonic()
        try:
            self._result = self._run()
        except Exception as error:  # noqa: BLE001 - told to whoever asks for the result
            self.error = error
        self.seconds = time.monotonic() - started_at

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def wait(self) -> "Running[T]":
        """Until it has ended."""
        self._thread.join(20.0)
        assert not self._thread.is_alive(), "it does not end"
        return self

    @property
    def result(self) -> T:
        """What it returned; what it raised is raised here."""
        self.wait()
        if self.error is not None:
            raise self.error
        assert self._result is not None
        return self._result


def at_once(count: int, run: Callable[[], T]) -> Sequence[Running[T]]:
    """So many threads that begin together; all have ended."""
    barrier = threading.Barrier(count)

    def begin() -> T:
        barrier.wait(20.0)
        return run()

    return [each.wait() for each in [Running(begin) for _ in range(count)]]
