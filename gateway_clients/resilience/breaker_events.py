"""Calls pybreaker's listeners outside the breaker's lock; what a listener raises is logged and goes no further."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from pybreaker import CircuitBreakerListener

Hear = Callable[..., None]
log = structlog.get_logger(__name__)
EVENTS: Final = ("before_call", "success", "failure", "state_change")


class BreakerEvents:
    """The listeners of one breaker by event; a method that a listener inherits from the base class is not called."""

    __slots__ = EVENTS

    def __init__(self, listeners: Sequence[CircuitBreakerListener]) -> None:
        self.before_call, self.success, self.failure, self.state_change = (
            [
                getattr(each, event)
                for each in listeners
                if getattr(type(each), event, None) is not getattr(CircuitBreakerListener, event)
            ]
            for event in EVENTS
        )


def tell(hearers: Sequence[Hear], *args: Any, **kwargs: Any) -> None:
    """Calls the listeners in turn."""
    for hear in hearers:
        try:
            hear(*args, **kwargs)
        except Exception:
            log.exception("breakers.listener_failed")
