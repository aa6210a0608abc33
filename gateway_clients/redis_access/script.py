"""Lua scripts, and calls of them with keys and arguments."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec


@dataclass(frozen=True)
class Script:
    """The source of a Lua script, and its hash."""

    source: str

    @cached_property
    def sha1(self) -> str:
        """The hash by which EVALSHA runs it, in hex."""
        return hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


class ScriptCall(msgspec.Struct, frozen=True):
    """A call of a script with keys and arguments."""

    script: Script
    keys: Sequence[str]
    args: Sequence[str | bytes | int]
