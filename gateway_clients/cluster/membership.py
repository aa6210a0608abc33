"""One process's membership in the cluster: it sends messages, listens, and renews its lease.

One thread listens on a connection of its own, another renews the lease. Without Redis there is no lease and each
process goes on alone; invalidations that it could not send are kept by their sender (`invalidation`).
"""

import atexit
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog
from redis import Redis
from redis.exceptions import RedisError

from gateway_clients.cluster.channel import ENTRIES, Channel, Message, Received, Told, received
from gateway_clients.cluster.lease import Lease
from gateway_clients.cluster.near_cache import NearCache
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.runtime.process_end import at_process_end

#: How often a lease is renewed within its life.
RENEWALS: Final = 4
#: The interval in seconds at which a sender checks whether the others have handled its message: the first, the longest,
#: and its growth.
FIRST_LOOK_SECONDS: Final = 0.001
LONGEST_LOOK_SECONDS: Final = 0.02
LOOK_GROWTH: Final = 1.4
#: Seconds that a listener waits for a message before it looks whether it is to end.
LISTEN_SECONDS: Final = 0.5
#: Seconds after which a process without Redis tries to listen again.
RETRY_SECONDS: Final = 0.25
STOP_SECONDS: Final = 1.0
#: Handles the messages of a kind; gets the names in the message.
Handler = Callable[[tuple[str, ...]], None]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Telling:
    """A message that was sent. `told_at` is a time of the monotonic clock."""

    cluster: "Cluster"
    told: Told
    told_at: float

    def wait(self) -> None:
        """Waits until every process with a lease has handled it, or its lease has run out."""
        self.cluster.await_heard(self)


class Cluster:
    """This process's membership among those that share a Redis and a prefix. `lease_seconds` 0: no near cache.

    `connect` makes a connection for the listener alone.
    """

    def __init__(
        self,
        circuit: RedisCircuit,
        connect: Callable[[], Redis],
        *,
        prefix: str,
        lease_seconds: float,
        near_bytes: int,
    ) -> None:
        self.process = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.lease = Lease()
        self.near = NearCache(near_bytes, lambda: self.lease.is_valid)
        self._circuit = circuit
        self._connect = connect
        self._channel = Channel(prefix)
        self._lease_seconds = lease_seconds
        self._handlers: dict[str, Handler] = {ENTRIES: self.near.drop}
        self._holders = 1
        self._renew = threading.Event()
        self._is_stopped = self._is_listening = False
        self._threads: list[threading.Thread] = []

    @property
    def holders(self) -> int:
        """The last known number of processes that hold a lease, this one included."""
        return max(1, self._holders)

    def on(self, kind: str, handler: Handler) -> None:
        """Runs the handler for each message of a kind, also this process's own; the handler must not block."""
        self._handlers[kind] = handler

    def start(self) -> None:
        """Begins to listen. Further calls do nothing."""
        if self._threads or not self._lease_seconds:
            return
        for name, run in (("cluster-listener", self._listen_on), ("cluster-lease", self._renew_on)):
            self._threads.append(threading.Thread(target=run, name=name, daemon=True))
            self._threads[-1].start()
        atexit.register(self.stop)
        at_process_end(self.leave)

    def stop(self) -> None:
        """Gives the lease back and ends the threads."""
        self.leave()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def leave(self) -> None:
        """Gives the lease back, so that nobody waits for this process, and does not wait for the listener's end."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self.lease.begin()
        self._renew.set()
        if self._threads:
            self._threads[-1].join(STOP_SECONDS)
            with suppress(CacheDownError):
                self._circuit.run(lambda redis: self._channel.release(redis, self.process))

    def tell(self, redis: Redis, kind: str, names: tuple[str, ...] = ()) -> Telling:
        """Handles a message here, and sends it to the other processes. Raises RedisError and OSError."""
        message = Message(kind, names)
        self._handle(message)
        told = self._channel.tell(redis, self.process, message, uuid.uuid4().hex)
        return Telling(self, told, time.monotonic())

    def tell_and_wait(self, kind: str, names: tuple[str, ...] = ()) -> bool:
        """Tells, and waits until all have handled it; returns False if, without Redis, only this process has."""
        try:
            self._circuit.run(lambda redis: self.tell(redis, kind, names)).wait()
        except CacheDownError:
            return False
        return True

    def tell_only(self, kind: str, names: tuple[str, ...] = ()) -> None:
        """Tells, and waits for nobody; sends nothing when Redis does not answer."""
        with suppress(CacheDownError):
            self._circuit.run(lambda redis: self.tell(redis, kind, names))

    def await_heard(self, telling: Telling) -> None:
        """Waits until no process can answer any more with what this message makes them drop."""
        told, own = telling.told, self.process
        waits = {name: telling.told_at + left for name, left in told.lease_seconds.items() if name != own}
        # The leases of before this epoch are not known; nobody has one who has not taken it in this one by now.
        unknown_until = telling.told_at + max(0.0, self._lease_seconds - max(0.0, told.epoch_seconds))
        pause_seconds = FIRST_LOOK_SECONDS
        while True:
            now = time.monotonic()
            waits = {name: until for name, until in waits.items() if until > now}
            if waits:
                waits = self._not_heard(waits, told)
            if not waits and now >= unknown_until:
                return
            time.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * LOOK_GROWTH, LONGEST_LOOK_SECONDS)

    def _not_heard(self, waits: dict[str, float], told: Told) -> dict[str, float]:
        try:
            heard = self._circuit.run(lambda redis: self._channel.heard(redis, list(waits)))
        except CacheDownError:
            return waits
        return {name: until for name, until in waits.items() if not _has_handled(heard.get(name), told)}

    def _renew_on(self) -> None:
        while not self._is_stopped:
            self._renew.wait(self._lease_seconds / RENEWALS)
            self._renew.clear()
            if not self._is_stopped and self._is_listening:
                self._renew_lease()

    def _renew_lease(self) -> None:
        sent_at = time.monotonic()
        try:
            renewal = self._circuit.run(
                lambda redis: self._channel.renew(redis, self.process, self._lease_seconds, uuid.uuid4().hex)
            )
        except CacheDownError:
            return
        self._holders = renewal.holders
        if not self.lease.is_begun:
            # What was asked for before this moment may lack messages that were sent before the lease.
            self.near.drop(())
        if not self.lease.renewed(renewal.epoch, renewal.number, sent_at + self._lease_seconds):
            # Redis has lost the channel: the listener begins again, with an empty near cache.
            self._is_listening = False

    def _listen_on(self) -> None:
        while not self._is_stopped:
            try:
                self._listen(self._connect())
            except (RedisError, OSError):
                pass
            except Exception:
                log.exception("cluster.listening_failed")
            self._is_listening = False
            self.lease.begin()
            if not self._is_stopped:
                time.sleep(RETRY_SECONDS)

    def _listen(self, redis: Redis) -> None:
        """Listens until this process has to begin again. Raises RedisError and OSError."""
        pubsub: Any = redis.pubsub(ignore_subscribe_messages=False)  # type: ignore[no-untyped-call]
        try:
            pubsub.subscribe(self._channel.name)
            self.lease.begin()
            while not self._is_stopped:
                found = pubsub.get_message(timeout=LISTEN_SECONDS)
                if found is not None and found["type"] == "subscribe":
                    self._is_listening = True
                    self._renew.set()
                elif (
                    (found is not None and not self._take(received(found["data"])))
                    or not self._is_listening
                    or self.lease.behind_seconds > self._lease_seconds
                ):
                    return
        finally:
            pubsub.close()
            redis.close()

    def _take(self, come: Received | None) -> bool:
        """Handles a message and records it; returns False when an earlier one was missed."""
        if come is None:
            log.warning("cluster.unreadable")
            return True
        epoch, number = self.lease.position
        if epoch and not self.lease.is_next(come.epoch, come.number):
            # What was told before the first renewal is known: nothing is kept that is older.
            return come.epoch == epoch and come.number <= number
        if come.message is None:
            # Another version has told it: it may be that anything is to be forgotten.
            self.near.drop(())
        elif come.teller != self.process:
            self._handle(come.message)
        if not epoch:
            return True
        self.lease.done(come.epoch, come.number)
        with suppress(CacheDownError):
            self._circuit.run(lambda redis: self._channel.hear(redis, self.process, come.epoch, come.number))
        return True

    def _handle(self, message: Message) -> None:
        handler = self._handlers.get(message.kind)
        if handler is not None:
            handler(message.names)


def _has_handled(heard: tuple[str, int] | None, told: Told) -> bool:
    """Whether a process has handled this message."""
    return heard is not None and heard[0] == told.epoch and heard[1] >= told.number
