"""Observers of upstream calls: the pipe calls `tell`, whoever wants to know registers with `observe`."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One finished call of an operation. `outcome` is `ok` or an error's code, `state` the section's it led to."""

    service: str
    operation: str
    outcome: str
    seconds: float
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRecord:
    """An answer that was not quite as the contract says: `fields` by msgspec's paths, how many items were left out."""

    service: str
    operation: str
    fields: tuple[str, ...]
    omitted: int


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
