"""Parsers of settings that say where something is: hosts, origins, addresses of services and stores.

They raise as those of `setting_values` do, and their messages never hold the text either.
"""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from environ import Env
from redis.connection import parse_url
from redis.exceptions import RedisError

from bff_project.setting_values import VISIBLE, WHOLE, parts
from gateway_clients.redis_access.connection import CONNECTION_CLASSES

HOST: Final = re.compile(r"\*|\[[0-9A-Fa-f:.]+\]|\.?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})")
HOST_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
USUAL_PORTS: Final = {"http": 80, "https": 443}
#: The database of a Redis, as the path of its address has it.
REDIS_DATABASE: Final = re.compile(r"/?[0-9]{0,4}/?")
#: What an address of Redis may say of the pool of connections instead of one of them.
POOL_OPTIONS: Final = ("connection_class", "max_connections")
LARGEST_PORT: Final = 65_535
#: Those that we know how to keep from waiting for a broker that is frozen.
BROKER_SCHEMES: Final = frozenset({"redis", "rediss", "amqp", "amqps", "pyamqp"})
TRACES_NEED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
#: What Django's backend makes of the options of a PostgreSQL by itself.
DJANGO_OPTIONS: Final = frozenset({"assume_role", "isolation_level", "prepare_threshold", "server_side_binding"})
#: READ UNCOMMITTED to SERIALIZABLE, as psycopg numbers them.
ISOLATION_LEVELS: Final = range(1, 5)
DATABASE_SCHEMES: Final = frozenset({"postgres", "postgresql", "psql", "pgsql", "sqlite"})


def hosts(value: str) -> list[str]:
    """Host names as a Host header has them, without scheme, port or path."""
    names = parts(value)
    if not all(HOST.fullmatch(name) for name in names):
        raise ValueError("host names separated by commas, without scheme, port or path")
    return list(names)


def origins(value: str) -> list[str]:
    """Exact web origins, as browsers write them into an Origin header: in small letters, without the usual port."""
    found = parts(value)
    if not all(origin == _origin_of(origin) for origin in found):
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


def host(value: str) -> str:
    """The name or the IP address of a host, as an address has it: an IPv6 one in brackets."""
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if not _is_host(bare):
        raise ValueError("the name or the IP address of a host, without scheme and port")
    return f"[{bare}]" if ":" in bare else bare


def redis_url(value: str) -> str:
    """The address of a Redis, over TCP, TLS or a Unix socket, with options that its connections have."""
    try:
        split, options = urlsplit(value), parse_url(value)  # type: ignore[no-untyped-call]
        is_whole = bool(options.get("path")) if split.scheme == "unix" else bool(REDIS_DATABASE.fullmatch(split.path))
        made = {name: option for name, option in options.items() if name not in POOL_OPTIONS}
        CONNECTION_CLASSES[split.scheme](**made)
    except (ValueError, TypeError, RedisError):
        is_whole = False
    if not is_whole:
        raise ValueError("redis://host:port/0, rediss://host:port/0 (TLS) or unix:///path/to/socket")
    return value


def places(value: str) -> tuple[tuple[str, int], ...]:
    """Hosts with their ports."""
    found = []
    for part in parts(value):
        name, _, port = part.rpartition(":")
        if not HOST.fullmatch(name) or name == "*" or not WHOLE.fullmatch(port) or not 0 < int(port) <= LARGEST_PORT:
            raise ValueError("hosts with their ports, separated by commas, such as redis-1.example:26379")
        found.append((name.strip("[]"), int(port)))
    return tuple(found)


def broker_url(value: str) -> str:
    """The address of a message broker, or those of several, of which the first that answers is taken."""
    if not all(map(_is_broker, value.split(";"))):
        raise ValueError("an address such as amqp://user:password@host:5672/vhost, amqps://, redis:// or rediss://")
    return value


def database(value: str) -> dict[str, Any]:
    """The address of a database as Django's configuration of it."""
    wanted = "postgres://user:password@host:5432/name or sqlite:///path"
    try:
        split = urlsplit(value)
        is_known = split.scheme in DATABASE_SCHEMES and split.port != 0
        config: dict[str, Any] = Env.db_url_config(value)
        is_usable = split.scheme == "sqlite" or _can_be_connected_to(config)
    except Exception:  # noqa: BLE001  whatever the parsers raise may quote the password
        raise ValueError(wanted) from None
    if not (is_known and is_usable and config.get("NAME")):
        raise ValueError(wanted)
    return config


def _can_be_connected_to(config: Mapping[str, Any]) -> bool:
    """Whether PostgreSQL's client and Django know the options, and the hosts can be some.

    Raises psycopg.Error for an option that neither knows.
    """
    from psycopg.conninfo import make_conninfo

    options = config.get("OPTIONS", {})
    make_conninfo(**{name: option for name, option in options.items() if name not in DJANGO_OPTIONS})
    if options.get("isolation_level", ISOLATION_LEVELS[0]) not in ISOLATION_LEVELS:
        return False
    threshold = options.get("prepare_threshold", 0)
    if not isinstance(threshold, int) or threshold < 0:
        return False
    given = config.get("HOST") or ""
    return given.startswith("/") or all(map(_is_host, filter(None, given.split(","))))


def _is_broker(value: str) -> bool:
    try:
        split = urlsplit(value)
        port = split.port
    except ValueError:
        return False
    return split.scheme in BROKER_SCHEMES and port != 0


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
        is_whole = split.scheme in USUAL_PORTS and _is_host(split.hostname or "") and split.port != 0
    except ValueError:
        return None
    return split if is_whole else None


def _origin_of(value: str) -> str | None:
    """The origin as a browser writes that of a page at this address; None for what is no address."""
    split = _http(value)
    if split is None:
        return None
    port = "" if split.port in {None, USUAL_PORTS[split.scheme]} else f":{split.port}"
    return f"{split.scheme}://{host(split.hostname or '')}{port}"


def _is_host(value: str) -> bool:
    """Whether it is a host's name, or its IP address without brackets."""
    if HOST_NAME.fullmatch(value):
        return True
    try:
        return bool(ip_address(value))
    except ValueError:
        return False
