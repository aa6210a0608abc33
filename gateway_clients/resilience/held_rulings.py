"""Staff's rulings as this process last read them, and what they make of its breakers."""

import threading
from collections.abc import Callable, Mapping

import structlog

from gateway_clients.resilience.breaker import Breaker, Override
from gateway_clients.resilience.overrides import Rulings

log = structlog.get_logger(__name__)


class HeldRulings:
    """What was read last holds, each order until its own end, until something else is read. Thread-safe.

    `breakers` gives those of this process by service, `now` the seconds since the Unix epoch.
    """

    def __init__(self, breakers: Callable[[], Mapping[str, Breaker]], *, now: Callable[[], float]) -> None:
        self._breakers = breakers
        self._now = now
        self._lock = threading.Lock()
        self._rulings: Rulings | None = None
        self._holding: dict[str, str] = {}

    def take(self, rulings: Rulings) -> None:
        """Takes over what was read, and closes the breakers that staff have reset since the last time."""
        with self._lock:
            earlier, self._rulings = self._rulings, rulings
        self.apply()
        if earlier is None:
            return
        for service, breaker in self._breakers().items():
            ruling = rulings.get(service)
            if ruling is not None and ruling.order is None and ruling != earlier.get(service):
                breaker.reset()

    def apply(self) -> None:
        """Sets each breaker's override to what holds now, and logs which of them have ended."""
        ended = []
        with self._lock:
            now, rulings = self._now(), self._rulings or {}
            for service, breaker in self._breakers().items():
                ruling = rulings.get(service)
                order = None if ruling is None else ruling.order_at(now)
                breaker.set_override(Override.NORMAL if order is None else order.override)
                if ruling is not None and order is not None:
                    self._holding[service] = ruling.revision
                elif self._holding.pop(service, "") and ruling is not None and ruling.order is not None:
                    ended.append((service, ruling.order.override, ruling.revision))
        for service, override, revision in ended:
            log.info("overrides.ended", service=service, override=override, revision=revision)
