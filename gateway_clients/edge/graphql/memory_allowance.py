"""A limit on the memory that kept documents take. Each document is measured when it is
kept.
"""

import gc
import sys
import threading
from dataclasses import dataclass, field
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any, Final

from graphql import GraphQLArgument, GraphQLField, GraphQLNamedType, GraphQLSchema

#: What a document refers to and does not hold: the schema's and the program's own.
SHARED: Final = (
    type,
    ModuleType,
    FunctionType,
    Enum,
    GraphQLSchema,
    GraphQLNamedType,
    GraphQLField,
    GraphQLArgument,
)
#: For what cannot be seen: the allocator's own, hashes and keys beside a document, what others note in a selection.
OVERHEAD: Final = 1.15
OVERHEAD_BYTES: Final = 1_000


def weight_of(*held: Any, without: tuple[type, ...] = ()) -> int:
    """The approximate size in bytes of objects and of everything they refer to; takes
    some microseconds per object.

    `without`: types of objects that are measured elsewhere.
    """
    passed_over = (*SHARED, *without)
    seen = {id(each): each for each in held}
    open_ = list(held)
    total = 0
    while open_:
        each = open_.pop()
        total += sys.getsizeof(each)
        for referent in gc.get_referents(each):
            if id(referent) not in seen and not isinstance(referent, passed_over):
                seen[id(referent)] = referent
                open_.append(referent)
    return int(total * OVERHEAD) + OVERHEAD_BYTES


@dataclass(slots=True)
class Allowance:
    """The most bytes that may be kept, and how many are."""

    most_bytes: int
    kept_bytes: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)


@dataclass(slots=True)
class Account:
    """The share of an allowance that one document takes; none before `open` and after
    `close`.
    """

    allowance: Allowance | None = None
    kept_bytes: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the document is kept."""
        return self.allowance is not None

    def open(self, allowance: Allowance, weight_bytes: int) -> bool:
        """Reserves room for the document; returns whether there was enough."""
        with allowance.lock:
            self.allowance = allowance
            if self.take(weight_bytes):
                return True
            self.allowance = None
            return False

    def take(self, weight_bytes: int) -> bool:
        """Reserves more room for the document; returns whether there was enough."""
        allowance = self.allowance
        if allowance is None:
            return False
        with allowance.lock:
            if self.allowance is None or allowance.kept_bytes + weight_bytes > allowance.most_bytes:
                return False
            allowance.kept_bytes += weight_bytes
            self.kept_bytes += weight_bytes
            return True

    def close(self) -> None:
        """Releases the room of the document."""
        if self.allowance is None:
            return
        with self.allowance.lock:
            self.allowance.kept_bytes -= self.kept_bytes
            self.allowance, self.kept_bytes = None, 0
