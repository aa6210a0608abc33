"""Parsers of setting values: text in, value out.

Each raises ValueError with the rest of a sentence that begins "NAME must be". The
message never holds the text, which may be a secret.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from environ import Env
from redis.connection import parse_url

from gateway_clients.tls import client_context

T = TypeVar("T")
Parser = Callable[[str], T]

WHOLE: Final = re.compile(r"[0-9]{1,18}")
DECIMAL: Final = re.compile(r"[0-9]{0,18}(?:\.[0-9]{1,18}|[0-9])")
DURATION: Final = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[smhd]?)")
UNIT_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
FLAGS: Final = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
HOST: Final = re.compile(r"\*|\[[0-9A-Fa-f:.]+\]|\.?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})")
HEADER_NAME: Final = re.compile(r"[a-z0-9-]{1,64}")
PAIR: Final = re.compile(r"[\x21-\x2b\x2d-\x3c\x3e-\x7e]+\s*=[\x20-\x2b\x2d-\x7e]*")
VISIBLE: Final = re.compile(r"[\x21-\x7e]*")
LARGEST_PORT: Final = 65_535
#: Those that we know how to keep from waiting for a broker that is frozen.
BROKER_SCHEMES: Final = frozenset({"redis", "rediss", "amqp", "amqps", "pyamqp"})
TRACES_NEED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
DATABASE_SCHEMES: Final = frozenset({"postgres", "postgresql", "psql", "pgsql", "sqlite"})


def text(value: str) -> str:
    """Any text, as it is."""
    return value


def visible(value: str) -> str:
    """Text that can be part of an HTTP header."""
    if not VISIBLE.fullmatch(value):
        raise ValueError("visible ASCII characters without spaces")
    return value


def flag(value: str) -> bool:
    """True or false, in the usual spellings."""
    if (found := FLAGS.get(value.strip().lower())) is None:
        raise ValueError("true or false")
    return found


def whole(minimum: int, maximum: int) -> Parser[int]:
    """A whole number within these bounds, both included."""

    def parse(value: str) -> int:
        if not WHOLE.fullmatch(value) or not minimum <= int(value) <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return int(value)

    return parse


def decimal(*, may_be_zero: bool, maximum: float) -> Parser[float]:
    """A number up to `maximum`, such as 2 or 0.5."""
    bounds = f"from 0 to {maximum:g}" if may_be_zero else f"above 0 and at most {maximum:g}"

    def parse(value: str) -> float:
        number = float(value) if DECIMAL.fullmatch(value) else -1.0
        if not 0 <= number <= maximum or (number == 0 and not may_be_zero):
            raise ValueError(f"a number {bounds}")
        return number

    return parse


def duration(value: str) -> timedelta:
    """A duration above zero: `30s`, `15m`, `1h`, `7d`, or plain seconds."""
    match = DURATION.fullmatch(value)
    if match is None or not int(match["count"]):
        raise ValueError("a duration such as 30s, 15m, 1h or 7d")
    return timedelta(seconds=int(match["count"]) * UNIT_SECONDS[match["unit"]])


def choice(*allowed: str) -> Parser[str]:
    """One of these words."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(repr(word) for word in allowed)}")
        return value

    return parse


def parts(value: str) -> tuple[str, ...]:
    """Several texts separated by commas, without the spaces around them."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


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


def header_names(value: str) -> tuple[str, ...]:
    """Names of HTTP headers (RFC 9110, 5.1), separated by commas."""
    names = tuple(name.lower() for name in parts(value))
    if not all(HEADER_NAME.fullmatch(name) for name in names):
        raise ValueError("names of HTTP headers, separated by commas")
    return names


def ca_bundle(value: str) -> str:
    """The path of certificates of authorities."""
    try:
        client_context(value)
    except (OSError, ValueError):
        raise ValueError("the path of a PEM file of certificates that can be read") from None
    return value


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


def pairs(value: str) -> tuple[str, ...]:
    """Several `name=value`, separated by commas."""
    found = parts(value)
    if not all(PAIR.fullmatch(pair) for pair in found):
        raise ValueError("name=value, several separated by commas")
    return found


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


def time_zone(value: str) -> str:
    """The name of a time zone in the IANA database."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("the name of a time zone, such as Asia/Jakarta") from None
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
