"""A Lua script, a call of it, and one that goes along in another's round trip."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import msgspec


@dataclass(frozen=True)
class Script:
    """A Lua script."""

    source: str

    @cached_property
    def sha1(self) -> str:
        """Redis's name for it."""
        return hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


class ScriptCall(msgspec.Struct, frozen=True):
    """A script to be run, with its keys and arguments."""

    script: Script
    keys: Sequence[str]
    args: Sequence[str | bytes | int]


class PiggybackCommand(Protocol):
    """What is to be asked of Redis, if it was not yet, and may go along in the round trip of something else."""

    @property
    def pending_command(self) -> ScriptCall | None:
        """What is to be asked; None once it was."""

    @property
    def likely_refused(self) -> bool:
        """Whether settling it may well raise something."""

    def take(self, answer: Any) -> None:
        """What Redis said, in a round trip that it went along with."""

    def finish(self) -> None:
        """Asks Redis by itself, unless that was done, and raises what the answer is a reason for."""
