"""Parsers of settings that say where something is: hosts, origins, addresses of services and stores.

They raise as those of `setting_values` do, and their messages never hold the text either.
"""

import re
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from environ import Env
from redis.connection import parse_url

from bff_project.setting_values import VISIBLE, WHOLE, parts

HOST: Final = re.compile(r"\*|\[[0-9A-Fa-f:.]+\]|\.?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})")
LARGEST_PORT: Final = 65_535
#: Those that we know how to keep from waiting for a broker that is frozen.
BROKER_SCHEMES: Final = frozenset({"redis", "rediss", "amqp", "amqps", "pyamqp"})
TRACES_NEED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
DATABASE_SCHEMES: Final = frozenset({"postgres", "postgresql", "psql", "pgsql", "sqlite"})


def hosts(value: str) -> list[str]:
    """Host names as a Host header has them, without scheme, port or path."""
    names = parts(value)
    if not all(HOST.fullmatch(name) for name in names):
        raise ValueError("host names separated by commas, without scheme, port or path")
    return list(names)


def origins(value: str) -> list[str]:
    """Exact web origins, as an Origin header has them."""
    found = parts(value)
    for origin in found:
        split = _http(origin)
        if split is None or origin != f"{split.scheme}://{split.netloc}" or "*" in origin or "@" in split.netloc:
            raise ValueError("exact origins separated by commas, such as https://members.example.com")
    return list(found)


def http_url(value: str) -> str:
    """An absolute address of a service."""
    split = _http(value)
    if split is None or split.query or split.fragment or "@" in split.netloc:
        raise ValueError("an http:// or https:// address without user, query or fragment")
    return value


def traces_url(value: str) -> str:
    """An absolute address of a collector; only where what sends traces is installed."""
    if not all(map(_is_installed, TRACES_NEED)):
        raise ValueError("unset, unless the packages of requirements/otel.txt are installed")
    return http_url(value)


def redis_url(value: str) -> str:
    """The address of a Redis, over TCP, TLS or a Unix socket."""
    try:
        is_whole = "path" in parse_url(value) or urlsplit(value).scheme != "unix"  # type: ignore[no-untyped-call]
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError("redis://host:port/0, rediss://host:port/0 (TLS) or unix:///path/to/socket")
    return value


def places(value: str) -> tuple[tuple[str, int], ...]:
    """Hosts with their ports."""
    found = []
    for part in parts(value):
        host, _, port = part.rpartition(":")
        if not HOST.fullmatch(host) or host == "*" or not WHOLE.fullmatch(port) or not 0 < int(port) <= LARGEST_PORT:
            raise ValueError("hosts with their ports, separated by commas, such as redis-1.example:26379")
        found.append((host.strip("[]"), int(port)))
    return tuple(found)


def broker_url(value: str) -> str:
    """The address of a message broker."""
    if urlsplit(value).scheme not in BROKER_SCHEMES:
        raise ValueError("an address that begins with redis://, rediss://, amqp:// or amqps://")
    return value


def database(value: str) -> dict[str, Any]:
    """The address of a database as Django's configuration of it."""
    wanted = "postgres://user:password@host:5432/name or sqlite:///path"
    try:
        split = urlsplit(value)
        is_known = split.scheme in DATABASE_SCHEMES and split.port != 0
        config: dict[str, Any] = Env.db_url_config(value)
    except Exception:  # noqa: BLE001  whatever the parser raises may quote the password
        raise ValueError(wanted) from None
    if not is_known or not config.get("NAME"):
        raise ValueError(wanted)
    return config


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _http(value: str) -> SplitResult | None:
    """The parts of an absolute http or https address, or None when it is none."""
    if not VISIBLE.fullmatch(value):
        return None
    try:
        split = urlsplit(value)
        is_whole = split.scheme in {"http", "https"} and bool(split.hostname) and split.port != 0
    except ValueError:
        return None
    return split if is_whole else None
