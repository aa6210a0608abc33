"""The TCP connections of this machine, as Linux tells of them."""

from pathlib import Path
from typing import Final

ESTABLISHED: Final = "01"
LISTENING: Final = "0A"


def established(port: int) -> int:
    """Connections to a port."""
    return _sockets(port, ESTABLISHED)


def listening(port: int) -> int:
    """Sockets that take connections at a port: each worker of an HTTP server has its own."""
    return _sockets(port, LISTENING)


def _sockets(port: int, state: str) -> int:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == state for line in lines)
