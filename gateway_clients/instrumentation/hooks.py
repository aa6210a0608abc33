"""Observers of upstream calls: the pipeline calls `tell`, whoever wants to know registers with `observe`."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

log: Final = logging.getLogger(__name__)


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One finished call of an operation. `outcome` is `ok` or an error's code, `state` the section's it led to."""

    service: str
    operation: str
    outcome: str
    seconds: float
    state: str


class DriftRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was not quite as the contract says: `fields` by msgspec's paths, how many items were left out.

    `shapes` tells of fields what was sent instead, by kind alone: never a value.
    `fields_of_omitted` are those of them that only items that were left out had.
    """

    service: str
    operation: str
    fields: tuple[str, ...]
    omitted: int
    shapes: Mapping[str, str] = {}
    fields_of_omitted: tuple[str, ...] = ()


Record = CallRecord | DriftRecord
Hook = Callable[[Record], None]

_hooks: list[Hook] = []


def observe(hook: Hook) -> Callable[[], None]:
    """Adds a hook; what is returned removes it. A hook that is there already is not added twice."""
    if hook not in _hooks:
        _hooks.append(hook)

    def remove() -> None:
        if hook in _hooks:
            _hooks.remove(hook)

    return remove


def tell(record: Record) -> None:
    """Tells every hook. What a hook raises is logged and goes no further."""
    for hook in tuple(_hooks):
        try:
            hook(record)
        except Exception:
            log.exception("a hook failed")
