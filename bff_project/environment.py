"""Typed readers of the environment, on top of django-environ. Each raises ImproperlyConfigured naming the variable."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

import environ
from django.core.exceptions import ImproperlyConfigured

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION: Final = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[smhd]?)")


class Environment(environ.Env):
    """The environment with this project's own kinds of values."""

    def duration(self, name: str, default: str) -> timedelta:
        """A duration: `30s`, `15m`, `1h`, `7d`, or plain seconds."""
        text = self.str(name, default=default)
        match = DURATION.fullmatch(text)
        if match is None:
            raise ImproperlyConfigured(f"{name} must be a duration such as 15m, 1h or 7d")
        return timedelta(seconds=int(match["count"]) * UNITS[match["unit"] or "s"])

    def secrets(self, name: str, default: str = "") -> tuple[str, ...]:
        """Several secrets separated by commas; the first signs or encrypts, all are accepted."""
        return tuple(part.strip() for part in self.str(name, default=default).split(",") if part.strip())

    def positive(self, name: str, default: float) -> float:
        """A number greater than zero."""
        try:
            value = self.float(name, default=default)
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise ImproperlyConfigured(f"{name} must be a number greater than 0")
        return value

    def count(self, name: str, default: int) -> int:
        """A whole number greater than zero."""
        value = self.positive(name, default)
        if value != int(value):
            raise ImproperlyConfigured(f"{name} must be a whole number")
        return int(value)

    def share(self, name: str, default: float) -> float:
        """A number from 0 to 1."""
        try:
            value = self.float(name, default=default)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise ImproperlyConfigured(f"{name} must be a number from 0 to 1")
        return value

    def redis_url(self) -> str:
        """`REDIS_URL`, or one made of `REDIS_HOST`, `REDIS_PORT` and `REDIS_PASSWORD`."""
        password = self.str("REDIS_PASSWORD", default="")
        login = f":{quote(password, safe='')}@" if password else ""
        host, port = self.str("REDIS_HOST", default="localhost"), self.int("REDIS_PORT", default=6379)
        return self.str("REDIS_URL", default="") or f"redis://{login}{host}:{port}/0"


def read_environment(base_dir: Path) -> Environment:
    """The environment, with what `.env` adds to it."""
    Environment.read_env(base_dir / ".env")
    return Environment()
