"""The connections that this process has accepted, as Linux knows them: how long each is silent, and closing some.

The HTTP server waits for a request's body without end, and takes no connection more once it has its most. So a thread
beside it closes those whose clients keep it waiting. Elsewhere than on Linux there is nothing to be seen or closed.
"""

import errno
import ipaddress
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OPEN_FILES: Final = Path("/proc/self/fd")
#: Of Linux's `struct tcp_info`: milliseconds since data was last sent, since an acknowledgement was, since data last
#: came; how many bytes came.
TOLD: Final = struct.Struct("=44x3I72xQ")
MILLISECONDS: Final = 1000
#: By so much the kernel's clock may be behind ours.
CLOCK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection: its client's address, whether that has ever said anything, and how long ago, in seconds.

    What has not happened yet counts from when the connection was accepted.
    """

    descriptor: int
    client: str
    was_heard: bool
    unanswered_seconds: float
    unheard_seconds: float

    @property
    def is_owed_an_answer(self) -> bool:
        """Whether its client has said something since it was last answered, as far as milliseconds tell."""
        return self.was_heard and self.unheard_seconds <= self.unanswered_seconds

    @property
    def silent_seconds(self) -> float:
        """How long nobody has said anything."""
        return min(self.unheard_seconds, self.unanswered_seconds)


class Connections:
    """Those that this process has accepted at a port."""

    def __init__(self, port: int) -> None:
        self._port = port

    @property
    def open_files(self) -> int:
        """All that this process has open: no fewer than it has connections."""
        try:
            return len(os.listdir(OPEN_FILES))  # noqa: PTH208  in a hundredth of the time that objects take
        except OSError:
            return 0

    def all(self) -> Iterator[Connection]:
        """Each, as it is now."""
        with suppress(OSError):
            for name in os.listdir(OPEN_FILES):  # noqa: PTH208
                with suppress(OSError), _held(int(name)) as accepted:
                    found = self._seen(int(name), accepted)
                    if found is not None:
                        yield found

    def hang_up_on_reader(self, client: str, waited_seconds: float) -> bool:
        """Closes the connection of a client whose body has been waited for so long; whether there was one.

        Of several of one client it is the one whose last answer, or beginning, is the nearest to that.
        """
        longer = [
            each
            for each in self.all()
            if each.client == one_form(client)
            and each.is_owed_an_answer
            and each.unanswered_seconds >= waited_seconds - CLOCK_SECONDS
        ]
        return bool(longer) and self._close(min(longer, key=lambda each: each.unanswered_seconds))

    def make_room(self, most: int, *, silent_seconds: float) -> int:
        """Closes the most silent, those that are owed no answer first, until there are no more than so many.

        None that was silent for less than `silent_seconds`. How many it closed.
        """
        found = list(self.all())
        silent = [each for each in found if each.silent_seconds >= silent_seconds]
        silent.sort(key=lambda each: (each.is_owed_an_answer, -each.silent_seconds))
        return sum(self._close(each) for each in silent[: max(0, len(found) - most)])

    def _seen(self, descriptor: int, accepted: socket.socket) -> Connection | None:
        if accepted.family not in (socket.AF_INET, socket.AF_INET6) or not _is_at(accepted, self._port):
            return None
        told = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOLD.size)
        sent_ms, _, came_ms, came_bytes = TOLD.unpack(told)
        return Connection(
            descriptor, _client_of(accepted), came_bytes > 0, sent_ms / MILLISECONDS, came_ms / MILLISECONDS
        )

    def _close(self, connection: Connection) -> bool:
        """Ends it in both directions; the server, whose it is, hears of that and lets go of it."""
        with suppress(OSError), _held(connection.descriptor) as accepted:
            if _is_at(accepted, self._port) and _client_of(accepted) == connection.client:
                accepted.shutdown(socket.SHUT_RDWR)
                return True
        return False


@contextmanager
def _held(descriptor: int) -> Iterator[socket.socket]:
    """A socket that cannot become another one meanwhile. Raises OSError for what is none.

    A file is never duplicated: to close any descriptor of a file ends all locks that this process has on it (POSIX,
    fcntl), and SQLite's would be gone in the middle of a transaction. Should the descriptor have become a file's in
    the moment between, its duplicate stays open.
    """
    _require_socket(descriptor)
    own = os.dup(descriptor)
    _require_socket(own)
    with socket.socket(fileno=own) as accepted:
        yield accepted


def _require_socket(descriptor: int) -> None:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))


def _is_at(accepted: socket.socket, port: int) -> bool:
    return _address_of(accepted.getsockname())[1] == port


def _client_of(accepted: socket.socket) -> str:
    return one_form(_address_of(accepted.getpeername())[0])


def _address_of(name: object) -> tuple[str, int]:
    """Host and port of a socket's name, which has more parts with IPv6."""
    assert isinstance(name, tuple)
    return str(name[0]), int(name[1])


def one_form(address: str) -> str:
    """An address as it is compared: IPv4 within IPv6 is IPv4."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)
