"""Names to addresses and addresses to sockets, on the clock: the system's resolver knows no limit, so it gets one."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from gateway_clients.resilience.deadline import Clock, Deadline
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
    """Addresses of hosts. One look-up for a host at a time; known ones are used on while they are looked up anew.

    After a long quiet the look-up comes first, and the known addresses are used when it fails or takes too long.
    """

    def __init__(self, resolve: Resolve = look_up, *, clock: Clock = time.monotonic) -> None:
        self._resolve = resolve
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
                future = self._under_way[host, port] = Future()
                threading.Thread(target=self._ask, args=(host, port, future), name="resolver", daemon=True).start()
            is_old = expires_at + USED_ON_SECONDS <= self._clock()
            if future is not None and (addresses is None or is_old):
                return future
        known: Future[list[Address]] = Future()
        known.set_result(addresses or [])
        return known

    def known(self, host: str, port: int) -> list[Address]:
        """The addresses that were found last, however long ago; none where there were none."""
        with self._lock:
            return list(self._known.get((host, port), (0.0, []))[1])

    def patience(self, host: str, port: int, deadline: Deadline) -> Deadline:
        """Until when to wait for a look-up: the known addresses, if there are some, are to be tried as well."""
        return deadline.sooner(deadline.remaining_seconds / 2) if self.known(host, port) else deadline

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        """The same, waited for. Raises socket.gaierror, TimeoutError."""
        future = self.start(host, port)
        try:
            return future.result(self.patience(host, port, deadline).remaining_seconds)
        except TimeoutError:
            if known := self.known(host, port):
                return known
            raise

    def _ask(self, host: str, port: int, future: "Future[list[Address]]") -> None:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            # A name that cannot be one is a UnicodeError: the codec's, before anybody is asked.
            failure = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "not a name")
            with self._lock:
                _, known = self._known.get((host, port), (0.0, []))
                del self._under_way[host, port]
            if known:
                future.set_result(known)
            else:
                future.set_exception(failure)
            return
        with self._lock:
            self._known[host, port] = (self._clock() + KEPT_SECONDS, addresses)
            del self._under_way[host, port]
        future.set_result(addresses)

    def prefer(self, host: str, port: int, address: Address) -> None:
        """This address took a connection: the next call tries it first."""
        with self._lock:
            known = self._known.get((host, port))
            if known is not None and known[1][0] != address and address in known[1]:
                others = [each for each in known[1] if each != address]
                self._known[host, port] = (known[0], [address, *others])


@process_singleton
def resolver() -> Resolver:
    """The resolver of this process."""
    return Resolver()


def dial(host: str, port: int, timeout_seconds: float) -> socket.socket:
    """A connected socket. Raises socket.gaierror, TimeoutError, OSError."""
    deadline = Deadline.after(timeout_seconds)
    waiting = resolver().addresses(host, port, deadline)
    failure: OSError = OSError("no address")
    for number, address in enumerate(waiting):
        try:
            connection = _connected(address, patience_seconds(deadline, len(waiting) - number))
        except OSError as error:
            failure = error
            continue
        resolver().prefer(host, port, address)
        return connection
    raise failure


def patience_seconds(deadline: Deadline, address_count: int) -> float:
    """How long to try the first of so many addresses, so that one that swallows all leaves time for the others."""
    return max(deadline.remaining_seconds / address_count, 0.001)


def _connected(address: Address, timeout_seconds: float) -> socket.socket:
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address.socket_address)
    except OSError:
        connection.close()
        raise
    return connection
