"""Counts what breakers do, as a listener of pybreaker's."""

from typing import Any

from pybreaker import CircuitBreaker, CircuitBreakerListener

from gateway_clients.instrumentation.metrics import metrics


class BreakerMetrics(CircuitBreakerListener):
    """Counts the states that a breaker comes to."""

    def state_change(self, cb: CircuitBreaker, old_state: Any, new_state: Any) -> None:
        """Counts a change of state."""
        metrics().breaker_moved(service=str(cb.name), state=str(new_state.name))
