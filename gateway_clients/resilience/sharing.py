"""What the processes tell each other of their breakers: trips, staff's overrides, states. Never on a call's own way.

One thread of each process looks into Redis twice a second. A trip elsewhere makes the breaker here half-open; an
override holds here within a second. Without Redis each process goes on alone, with what it last knew.
"""

import atexit
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import structlog
from django.conf import settings

from gateway_clients.caching.guard import CacheDownError, RedisGuard
from gateway_clients.caching.store import default_cache
from gateway_clients.instrumentation.rates import Rates, rate_book
from gateway_clients.once import once
from gateway_clients.resilience.blackboard import Blackboard, BreakerReport, OverrideOrder
from gateway_clients.resilience.breaker import Breaker, Override

__all__ = ["BreakerReport", "BreakerSharing", "OverrideOrder", "breaker_sharing"]

LOOK_SECONDS: Final = 0.5
#: Seconds that the end of the process waits for the look under way.
STOP_SECONDS: Final = 2.0
log = structlog.get_logger(__name__)


class BreakerSharing:
    """This process's side of it. `look` is one turn of the thread; tests call it themselves."""

    def __init__(self, guard: RedisGuard, *, prefix: str, now: Callable[[], float] = time.time) -> None:
        self.process = f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._board = Blackboard(guard, prefix=prefix)
        self._now = now
        self._lock = threading.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._orders: Mapping[str, OverrideOrder] = {}
        self._seen_trips: Mapping[str, str] = {}
        self._seen_resets: Mapping[str, str] = {}
        self._own_trips: set[str] = set()
        self._has_looked = False
        self._wake = threading.Event()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    def add(self, breaker: Breaker) -> None:
        """Shares a breaker; what staff ordered for it holds at once."""
        with self._lock:
            self._breakers[str(breaker.name)] = breaker
        self._apply_orders()

    def start(self) -> None:
        """Looks for the first time, and starts the thread; once."""
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="breaker-sharing", daemon=True)
        self._look_safely()
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Ends the thread: one that writes a log line while the interpreter goes away would abort the process."""
        self._is_stopped = True
        self._wake.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._is_stopped:
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            if not self._is_stopped:
                self._look_safely()

    def _look_safely(self) -> None:
        """A look that raises nothing: the thread must outlive whatever is found in Redis."""
        try:
            self.look()
        except CacheDownError:
            return
        except Exception:
            log.exception("breakers.look_failed")

    def publish_trip(self, service: str) -> None:
        """A breaker of this process tripped; the others hear of it at their next look."""
        with self._lock:
            self._own_trips.add(service)
        self._wake.set()

    def may_probe(self, service: str) -> bool:
        """Whether no other process probes this upstream now; True when Redis does not answer."""
        try:
            return self._board.take_probe(service, self.process, self._breakers[service].probe_seconds)
        except CacheDownError:
            return True

    def end_probe(self, service: str) -> None:
        """The probe of this process has ended."""
        with suppress(CacheDownError):
            self._board.end_probe(service, self.process)

    def look(self) -> None:
        """Tells Redis of this process's trips and states, and takes over what the others and staff said.

        Raises CacheDownError; an order that is over ends all the same, and trips are told at the next look.
        """
        with self._lock:
            own_trips, self._own_trips = self._own_trips, set()
        try:
            news = self._board.exchange(self.process, own_trips, self.reports(), rate_book().rates())
        except CacheDownError:
            with self._lock:
                self._own_trips |= own_trips
            self._apply_orders()
            raise
        self._orders = news.orders
        self._apply_orders()
        if self._has_looked:
            self._take_trips(news.trips)
            self._take_resets(news.resets)
        self._seen_trips, self._seen_resets, self._has_looked = news.trips, news.resets, True

    def _take_trips(self, trips: Mapping[str, str]) -> None:
        for service, trip in trips.items():
            is_news = self._seen_trips.get(service) != trip and not trip.startswith(f"{self.process}/")
            if is_news and service in self._breakers:
                self._breakers[service].suspect()

    def _take_resets(self, resets: Mapping[str, str]) -> None:
        for service, reset in resets.items():
            if self._seen_resets.get(service) != reset and service in self._breakers:
                self._breakers[service].reset()

    def _apply_orders(self) -> None:
        now = self._now()
        for service, breaker in list(self._breakers.items()):
            order = self._orders.get(service)
            breaker.set_override(order.override if order is not None and order.until > now else Override.NORMAL)

    def reports(self) -> list[BreakerReport]:
        """The breakers of this process."""
        now = self._now()
        return [
            BreakerReport(
                service=service,
                process=self.process,
                state=breaker.current_state,
                failures=breaker.fail_counter,
                since=now - breaker.changed_seconds_ago,
                override=breaker.override,
                paused_seconds=breaker.paused_seconds,
                reported_at=now,
            )
            for service, breaker in list(self._breakers.items())
        ]

    def all_reports(self) -> list[BreakerReport]:
        """The breakers of all processes that are alive. Raises CacheDownError."""
        return self._board.reports()

    def rates_of_others(self) -> list[Rates]:
        """What the other processes that are alive did in the last minute. Raises CacheDownError."""
        return [rates for process, rates in self._board.rates().items() if process != self.process]

    def orders(self) -> dict[str, OverrideOrder]:
        """Staff's orders that hold now, by service. Raises CacheDownError."""
        now = self._now()
        return {service: order for service, order in self._board.orders().items() if order.until > now}

    def order(self, service: str, order: OverrideOrder) -> None:
        """Staff order an override, in every process within a second. Raises CacheDownError."""
        self._board.write_order(service, order)
        self._wake.set()

    def order_reset(self, service: str) -> None:
        """Staff close a breaker everywhere and end its override. Raises CacheDownError."""
        self._board.write_reset(service)
        self._wake.set()


@once
def breaker_sharing() -> BreakerSharing:
    """This process's side, with its thread running."""
    sharing = BreakerSharing(default_cache().guard, prefix=settings.CACHE_KEY_PREFIX)
    sharing.start()
    return sharing
