"""The TCP connections of this machine, as Linux tells of them."""

from pathlib import Path
from typing import Final

ESTABLISHED: Final = "01"
LISTENING: Final = "0A"


def established(port: int) -> int:
    """Connections to a port."""
    return _sockets(port, ESTABLISHED)


def listening(port: int, pid: int | None = None) -> int:
    """Sockets that take connections at a port, on the machine of a process: each worker of a server has its own."""
    return _sockets(port, LISTENING, pid)


def _sockets(port: int, state: str, pid: int | None = None) -> int:
    tables = (Path(f"/proc/{pid or 'self'}/net/{name}") for name in ("tcp", "tcp6"))
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == state for line in lines)
