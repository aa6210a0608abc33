"""Keeps count of the calls one service got."""

import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec

from sandbox.messages import Request

RECENT: Final = 1000


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a service was asked since the last reset. `recent` holds the last calls as `operationId METHOD target`."""

    total: int
    by_operation: dict[str, int]
    in_flight: int
    peak_in_flight: int
    last_headers: dict[str, dict[str, str]]
    recent: tuple[str, ...]


class CallBook:
    """The calls of one service, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Forgets all calls but those under way."""
        with self._lock:
            self._by_operation: Counter[str] = Counter()
            self._peak = self._in_flight
            self._last_headers: dict[str, Mapping[str, str]] = {}
            self._recent: deque[str] = deque(maxlen=RECENT)

    @contextmanager
    def under_way(self, operation: str, request: Request) -> Iterator[None]:
        """Counts a call, for as long as it lasts as one in flight."""
        with self._lock:
            self._by_operation[operation] += 1
            self._in_flight += 1
            self._peak = max(self._peak, self._in_flight)
            self._last_headers[operation] = request.headers
            target = f"{request.path}?{request.query}" if request.query else request.path
            self._recent.append(f"{operation} {request.method} {target}")
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def report(self) -> CallReport:
        """The counts as they are now."""
        with self._lock:
            return CallReport(
                total=self._by_operation.total(),
                by_operation=dict(self._by_operation),
                in_flight=self._in_flight,
                peak_in_flight=self._peak,
                last_headers={name: dict(headers) for name, headers in self._last_headers.items()},
                recent=tuple(self._recent),
            )
