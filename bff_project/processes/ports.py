"""Ports: which are wanted by which setting, and whether they can be had."""

import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from bff_project.processes.errors import StartError

LOOPBACK: Final = "127.0.0.1"
# What a container or a server listens on; nginx stands before it.
EVERY_IPV4_ADDRESS: Final = "0.0.0.0"  # noqa: S104
EVERY_ADDRESS: Final = "::"
#: In development the demo accounts, whose passwords everybody knows, are within reach of this machine alone.
HOSTS: Final = {"development": LOOPBACK}


@dataclass(frozen=True, slots=True)
class PortWish:
    """A port that is to be listened on, and the setting that names it."""

    setting: str
    port: int
    host: str = LOOPBACK


def refuse_busy(wishes: Iterable[PortWish]) -> None:
    """Raises StartError naming every port, with its setting, that is wanted twice or already taken."""
    wanted = tuple(wishes)
    counts = Counter(wish.port for wish in wanted)
    troubles = [
        *(
            f"Port {port} is wanted by {' and '.join(wish.setting for wish in wanted if wish.port == port)}: "
            "give each its own."
            for port, count in counts.items()
            if count > 1
        ),
        *(
            f"Port {wish.port} ({wish.setting}) is already in use: stop what listens there, or set {wish.setting} "
            "to another."
            for wish in wanted
            if counts[wish.port] == 1 and not is_free(wish.port, wish.host)
        ),
    ]
    if troubles:
        raise StartError("\n".join([*troubles, "Nothing was started."]))


def every_address() -> str:
    """Returns the host to listen on for every address: of both families, if one socket takes both."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((EVERY_ADDRESS, 0))
            takes_both = not probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    except OSError:
        return EVERY_IPV4_ADDRESS
    return EVERY_ADDRESS if takes_both else EVERY_IPV4_ADDRESS


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether the port can be listened on now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def is_answering(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def loopback_port(url: str) -> int | None:
    """The port of an address on this machine's loopback; None for an address elsewhere."""
    parts = urlsplit(url)
    if not _is_loopback(parts.hostname or ""):
        return None
    return parts.port or {"http": 80, "https": 443, "redis": 6379}.get(parts.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
