"""Canaries: a mark in every text that an upstream or a portal sends, and where it has come to afterwards."""

import itertools
import sqlite3
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from redis import Redis

from sandbox.testing import Sandbox

#: Stands in no name, id or word of the gateway's.
MARK: Final = "zqxcanary"
#: Fields that are ids, closed sets, moments and amounts, which have to keep their shape.
KEPT: Final = frozenset(
    {
        "id", "type", "status", "tier", "category", "code", "benefit_code", "kind", "content_type", "currency",
        "network_tier", "relationship",
    }
)  # fmt: skip
KEPT_ENDS: Final = ("_id", "_at", "_date", "_start", "_end")
_numbers: Final = itertools.count(1)


def canary(field: str) -> str:
    """A text that nobody else sends, which says where it was sent."""
    return f"{MARK}-{field}-{next(_numbers)}"


def mark_world(sandbox: Sandbox) -> None:
    """Puts a canary into each free text of the services' data."""
    world = sandbox.world
    with world.lock:
        for rows in world.collections.values():
            for row in rows.values():
                _mark(row)


def _mark(value: Any) -> None:
    if isinstance(value, list):
        for each in value:
            _mark(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == "plan":
                # The sandbox looks a plan up by its name.
                continue
            if isinstance(each, str) and name not in KEPT and not name.endswith(KEPT_ENDS) and not _is_shaped(name):
                value[name] = canary(name)
            else:
                _mark(each)


def _is_shaped(name: str) -> bool:
    return name in {"date_of_birth", "at"}


def is_marked(text: bytes | str) -> bool:
    """Whether a canary stands there, as it was sent or encoded as in an address."""
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    return MARK.encode() in raw.lower() or MARK.encode() in urllib.parse.unquote_to_bytes(raw).lower()


def marked_lines(text: str) -> list[str]:
    """Lines with a canary."""
    return [line for line in text.splitlines() if is_marked(line)]


def marked_in_redis(redis_url: str) -> list[bytes]:
    """Names and values with a canary."""
    with closing(Redis.from_url(redis_url)) as redis:
        said = {name: [name, *_values(redis, name)] for name in redis.scan_iter()}
    return [name for name, parts in said.items() if any(map(is_marked, parts))]


def _values(redis: Any, name: bytes) -> Iterator[bytes]:
    match redis.type(name):
        case b"string":
            yield redis.get(name) or b""
        case b"hash":
            yield from itertools.chain.from_iterable(redis.hgetall(name).items())
        case b"zset":
            yield from redis.zrange(name, 0, -1)
        case b"set":
            yield from redis.smembers(name)
        case b"list":
            yield from redis.lrange(name, 0, -1)


def marked_columns(database: Path, allowed: Mapping[str, str]) -> dict[str, str]:
    """Columns with a canary that are not allowed to have one, each with an example."""
    found = {}
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            columns = [each[0] for each in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    name = f"{table}.{column}"
                    if isinstance(value, str | bytes) and name not in allowed and is_marked(value):
                        found[name] = str(value)[:100]
    return found
