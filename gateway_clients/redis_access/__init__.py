"""Redis: its connections, a circuit breaker of its own, and scripts in one round trip."""
