"""Names to addresses and addresses to sockets, within a time: the system's resolver knows no limit, so it gets one."""

import errno
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from gateway_clients.runtime.singletons import process_singleton

KEPT_SECONDS: Final = 30.0
#: Addresses that were to be looked up anew so long ago are no longer used before that was tried.
USED_ON_SECONDS: Final = 30.0
Resolve = Callable[[str, int], list["Address"]]


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect: family and socket address."""

    family: int
    socket_address: tuple[str | int | bytes, ...]


def look_up(host: str, port: int) -> list[Address]:
    """The system's answer. Raises socket.gaierror; may take long."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Address(family, address) for family, _, _, _, address in found]


class Resolver:
    """Addresses of hosts. One look-up for a host runs at a time.

    Addresses are used for `kept_seconds`, and for `used_on_seconds` more while they are looked up again. After that the
    look-up comes first, and the known addresses are used when it fails or takes too long.
    """

    def __init__(
        self,
        resolve: Resolve = look_up,
        *,
        kept_seconds: float = KEPT_SECONDS,
        used_on_seconds: float = USED_ON_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve = resolve
        self._kept_seconds = kept_seconds
        self._used_on_seconds = used_on_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[float, list[Address]]] = {}
        self._under_way: dict[tuple[str, int], Future[list[Address]]] = {}

    def start(self, host: str, port: int) -> "Future[list[Address]]":
        """The addresses, the one that last took a connection first; done already where they are known."""
        with self._lock:
            expires_at, addresses = self._known.get((host, port), (0.0, None))
            future = self._under_way.get((host, port))
            if future is None and expires_at <= self._clock():
                future = self._begin(host, port, addresses)
            is_old = expires_at + self._used_on_seconds <= self._clock()
            if future is not None and (addresses is None or is_old):
                return future
        known: Future[list[Address]] = Future()
        known.set_result(addresses or [])
        return known

    def _begin(self, host: str, port: int, known: list[Address] | None) -> "Future[list[Address]]":
        """Starts a look-up, under the lock. One that gets no thread has failed, and the next call starts another."""
        future: Future[list[Address]] = Future()
        try:
            threading.Thread(target=self._ask, args=(host, port, future), name="resolver", daemon=True).start()
        except RuntimeError:
            _end(future, known, socket.gaierror(socket.EAI_AGAIN, "no thread"))
        else:
            self._under_way[host, port] = future
        return future

    def known(self, host: str, port: int) -> list[Address]:
        """The addresses that were found last, however long ago; none where there were none."""
        with self._lock:
            return list(self._known.get((host, port), (0.0, []))[1])

    def patience_seconds(self, host: str, port: int, seconds: float) -> float:
        """How much of the time to wait for a look-up: the known addresses, if any, are to be tried as well."""
        return seconds / 2 if self.known(host, port) else seconds

    def addresses(self, host: str, port: int, seconds: float) -> list[Address]:
        """The addresses, waited for. Raises socket.gaierror, TimeoutError."""
        future = self.start(host, port)
        try:
            return future.result(self.patience_seconds(host, port, seconds))
        except TimeoutError:
            if known := self.known(host, port):
                return known
            raise

    def _ask(self, host: str, port: int, future: "Future[list[Address]]") -> None:
        try:
            addresses = self._resolve(host, port)
        except Exception as error:  # noqa: BLE001 - a name that cannot be one is a UnicodeError, and others wait for it
            failure = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "not a name")
            with self._lock:
                _, known = self._known.get((host, port), (0.0, []))
                del self._under_way[host, port]
            _end(future, known, failure)
            return
        with self._lock:
            self._known[host, port] = (self._clock() + self._kept_seconds, addresses)
            del self._under_way[host, port]
        future.set_result(addresses)

    def prefer(self, host: str, port: int, address: Address) -> None:
        """This address took a connection: the next call tries it first."""
        with self._lock:
            known = self._known.get((host, port))
            if known is not None and known[1][0] != address and address in known[1]:
                others = [each for each in known[1] if each != address]
                self._known[host, port] = (known[0], [address, *others])

    def forget_look_ups(self) -> None:
        """Forgets the look-ups under way, in a child process: their threads are the parent's."""
        self._lock = threading.Lock()
        self._under_way = {}


def _end(future: "Future[list[Address]]", known: list[Address] | None, failure: OSError) -> None:
    """Ends a look-up that failed with the addresses that were found last, if there are any."""
    if known:
        future.set_result(known)
    else:
        future.set_exception(failure)


@process_singleton
def resolver() -> Resolver:
    """The resolver of upstreams' names."""
    return Resolver()


@process_singleton
def redis_resolver() -> Resolver:
    """The resolver of Redis's names, which follows a failover at the next connection: it looks up each time."""
    return Resolver(kept_seconds=0.0, used_on_seconds=0.0)


def _forget_look_ups() -> None:
    for each in (*resolver.instances(), *redis_resolver.instances()):
        each.forget_look_ups()


os.register_at_fork(after_in_child=_forget_look_ups)


def dial(host: str, port: int, seconds: float, names: Resolver) -> socket.socket:
    """A connected socket. Raises socket.gaierror, TimeoutError, OSError."""
    ends_at = time.monotonic() + seconds
    waiting = names.addresses(host, port, seconds)
    failure: OSError = OSError(errno.EADDRNOTAVAIL, "no address")
    for number, address in enumerate(waiting):
        try:
            connection = _connected(address, share_of(ends_at - time.monotonic(), len(waiting) - number))
        except OSError as error:
            failure = error
            continue
        names.prefer(host, port, address)
        return connection
    raise failure


def share_of(seconds: float, address_count: int) -> float:
    """How long to try the first of so many addresses, so that one that swallows all leaves time for the others."""
    return max(seconds / address_count, 0.001)


def _connected(address: Address, seconds: float) -> socket.socket:
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address.socket_address)
    except OSError:
        connection.close()
        raise
    return connection
