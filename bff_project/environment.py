"""Typed readers of the environment that collect what is wrong, so that a start names every bad setting at once."""

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bff_project import setting_addresses as addresses
from bff_project import setting_values as values
from bff_project.setting_values import Parser

T = TypeVar("T")

MOST: Final = 10**12
MOST_SECONDS: Final = 366 * 86400


class BadSettingsError(ImproperlyConfigured):
    """Some settings cannot be used. The message has a line for each, without values."""


class Environment:
    """The environment. A value stands for itself, also with `$`; an empty one counts as unset.

    A reader returns the default for a value that it cannot use, and notes the
    problem. `refuse_problems` raises them together.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._parsers: dict[str, Parser[Any]] = {}
        self._problems: list[str] = []

    @property
    def names(self) -> frozenset[str]:
        """The names that were read so far."""
        return frozenset(self._parsers)

    def refuse_problems(self) -> None:
        """Raises BadSettingsError when a reader has met a value that it cannot use."""
        if self._problems:
            raise BadSettingsError("\n".join(["These settings cannot be used:", *self._problems]))

    def text(self, name: str, default: str) -> str:
        """Reads a text as it stands."""
        return self._read(name, values.text, default)

    def visible(self, name: str, default: str) -> str:
        """Text that can be part of an HTTP header."""
        return self._read(name, values.visible, default)

    def flag(self, name: str, *, default: bool) -> bool:
        """Reads a boolean."""
        return self._read(name, values.flag, default)

    def count(self, name: str, default: int, *, minimum: int = 1, maximum: int = MOST) -> int:
        """A whole number, above zero unless told otherwise."""
        return self._read(name, values.whole(minimum, maximum), default)

    def port(self, name: str, default: int) -> int:
        """Reads a TCP port, 1 to 65535."""
        return self._read(name, values.whole(1, addresses.LARGEST_PORT), default)

    def seconds(self, name: str, default: float, *, may_be_zero: bool = False) -> float:
        """A time in seconds of at most a year."""
        return self._read(name, values.decimal(may_be_zero=may_be_zero, maximum=MOST_SECONDS), default)

    def share(self, name: str, default: float, *, may_be_zero: bool = False) -> float:
        """A part of the whole, where 1 is all."""
        return self._read(name, values.decimal(may_be_zero=may_be_zero, maximum=1), default)

    def duration(self, name: str, default: str) -> timedelta:
        """A duration: `30s`, `15m`, `1h`, `7d`, or plain seconds."""
        return self._read(name, values.duration, values.duration(default))

    def choice(self, name: str, default: str, *allowed: str) -> str:
        """One of these words."""
        return self._read(name, values.choice(*allowed), default)

    def secrets(self, name: str, default: str = "") -> tuple[str, ...]:
        """Several secrets separated by commas; the first signs or encrypts, all are accepted."""
        return self._read(name, values.parts, values.parts(default))

    def hosts(self, name: str, *default: str) -> list[str]:
        """Host names, as a Host header has them."""
        return self._read(name, addresses.hosts, list(default))

    def origins(self, name: str, *, stand_in: str) -> list[str]:
        """Exact web origins. The setting `stand_in` is read where `name` is unset."""
        return self._read(name, addresses.origins, self._read(stand_in, addresses.origins, []))

    def header_names(self, name: str) -> tuple[str, ...]:
        """Names of HTTP headers, separated by commas, in small letters; none where it is unset."""
        return self._read(name, values.header_names, ())

    def ca_bundle(self, name: str, *stand_ins: str) -> str:
        """The path of whom we trust over TLS, "" for the usual authorities. The first name that is set counts."""
        names = (name, *stand_ins)
        self._parsers.update(dict.fromkeys(names, values.ca_bundle))
        chosen = next((each for each in names if self._variables.get(each)), name)
        return self._read(chosen, values.ca_bundle, "")

    def http_url(self, name: str, default: str) -> str:
        """The address of a service."""
        return self._read(name, addresses.http_url, default)

    def traces_url(self, name: str) -> str:
        """The address of a collector of traces, "" for none."""
        return self._read(name, addresses.traces_url, "")

    def pairs(self, name: str) -> tuple[str, ...]:
        """Several `name=value`, separated by commas; none where it is unset."""
        return self._read(name, values.pairs, ())

    def time_zone(self, name: str, default: str) -> str:
        """The name of a time zone."""
        return self._read(name, values.time_zone, default)

    def database(self, name: str, default: str) -> dict[str, Any]:
        """A database address as Django's configuration of it."""
        return self._read(name, addresses.database, addresses.database(default))

    def redis_url(self) -> str:
        """`REDIS_URL`, or one made of `REDIS_HOST`, `REDIS_PORT` and `REDIS_PASSWORD`."""
        password = self.text("REDIS_PASSWORD", "")
        login = f":{quote(password, safe='')}@" if password else ""
        host, port = self._read("REDIS_HOST", addresses.host, "localhost"), self.port("REDIS_PORT", 6379)
        return self._read("REDIS_URL", addresses.redis_url, f"redis://{login}{host}:{port}/0")

    def places(self, name: str) -> tuple[tuple[str, int], ...]:
        """Hosts with their ports, separated by commas; none where it is unset."""
        return self._read(name, addresses.places, ())

    def broker_url(self, name: str) -> str:
        """The address of Celery's broker, "" for none."""
        return self._read(name, addresses.broker_url, "")

    def overrides(self, prefixes: Iterable[str], names: Mapping[str, Any]) -> dict[str, Any]:
        """The settings `PREFIX_NAME` that are set, each read as `NAME` was. `names` holds the values of those."""
        return {
            own: self._parse(own, self._parsers[name], value)
            for name, value in names.items()
            for own in (f"{prefix}_{name}" for prefix in prefixes)
            # An empty text overrides, too: one upstream may want no token.
            if self._variables.get(own) or (own in self._variables and isinstance(value, str))
        }

    def _read(self, name: str, parse: Parser[T], default: T) -> T:
        self._parsers[name] = parse
        return self._parse(name, parse, default) if self._variables.get(name) else default

    def _parse(self, name: str, parse: Parser[T], default: T) -> T:
        try:
            return parse(self._variables[name])
        except ValueError as wrong:
            self._problems.append(f"{name} must be {wrong}.")
            return default


def read_environment(base_dir: Path) -> Environment:
    """The environment, with what `.env` adds to it."""
    Env.read_env(base_dir / ".env")
    return Environment(os.environ)
