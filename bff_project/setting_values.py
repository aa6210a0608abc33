"""Parsers of setting values: text in, value out; those of addresses are in `setting_addresses`.

Each raises ValueError with the rest of a sentence that begins "NAME must be". The
message never holds the text, which may be a secret.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway_clients.tls import client_context

T = TypeVar("T")
Parser = Callable[[str], T]

WHOLE: Final = re.compile(r"[0-9]{1,18}")
DECIMAL: Final = re.compile(r"[0-9]{0,18}(?:\.[0-9]{1,18}|[0-9])")
DURATION: Final = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[smhd]?)")
LONGEST_DURATION: Final = timedelta(days=36_500)
UNIT_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
FLAGS: Final = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
HEADER_NAME: Final = re.compile(r"[a-z0-9-]{1,64}")
PAIR: Final = re.compile(r"[\x21-\x2b\x2d-\x3c\x3e-\x7e]+\s*=[\x20-\x2b\x2d-\x7e]*")
VISIBLE: Final = re.compile(r"[\x21-\x7e]*")


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
    """A duration above zero and of at most a century: `30s`, `15m`, `1h`, `7d`, or plain seconds."""
    match = DURATION.fullmatch(value)
    found = timedelta(seconds=int(match["count"]) * UNIT_SECONDS[match["unit"]]) if match else timedelta()
    if not timedelta() < found <= LONGEST_DURATION:
        raise ValueError("a duration such as 30s, 15m, 1h or 7d, at most 36500d")
    return found


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


def pairs(value: str) -> tuple[str, ...]:
    """Several `name=value`, separated by commas."""
    found = parts(value)
    if not all(PAIR.fullmatch(pair) for pair in found):
        raise ValueError("name=value, several separated by commas")
    return found


def time_zone(value: str) -> str:
    """The name of a time zone in the IANA database."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("the name of a time zone, such as Asia/Jakarta") from None
    return value
