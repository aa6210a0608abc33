"""Shares trips, pauses and states of breakers between processes, on a thread of its own and never during a call.

A process writes its news into Redis and tells the cluster; a thread of each other process polls at once. A
trip elsewhere makes the breaker here half-open, a pause that an upstream asked for elsewhere holds here, and a change
of staff's overrides is read from the database. A process that does not hear the others polls twice a second.
Without Redis each goes on alone, with what it last knew and with staff's overrides (`overrides.py`).
"""

import atexit
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pybreaker
import structlog
from django.conf import settings

from gateway_clients.caching.store import cluster, default_cache
from gateway_clients.cluster.channel import BREAKERS
from gateway_clients.instrumentation.rates import Rates, rate_book
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.resilience import overrides
from gateway_clients.resilience.breaker import Breaker
from gateway_clients.resilience.breaker_news import News, OthersNews, OwnNews, Unpublished
from gateway_clients.resilience.breaker_report import BreakerReport, report_of
from gateway_clients.resilience.breaker_store import BreakerStore, OwnSnapshot
from gateway_clients.resilience.held_rulings import HeldRulings
from gateway_clients.resilience.overrides import OverrideOrder, OverrideReader, Ruling
from gateway_clients.runtime.singletons import process_singleton

#: Seconds between two polls of a process that hears the others, which is also how old its own report may be; and of
#: one that does not.
HEARTBEAT_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.5
#: Seconds that the end of the process waits for the poll under way.
STOP_SECONDS: Final = 2.0
log = structlog.get_logger(__name__)


class BreakerSync(pybreaker.CircuitBreakerListener):
    """Shares the breakers of this process and listens to them. `poll` is one turn of the thread; tests call it."""

    def __init__(
        self,
        circuit: RedisCircuit,
        *,
        prefix: str,
        now: Callable[[], float] = time.time,
        tell: Callable[[], object] = lambda: None,
        is_told: Callable[[], bool] = lambda: False,
    ) -> None:
        self.process = f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._store = BreakerStore(circuit, prefix=prefix)
        self._now = now
        self._tell = tell
        self._is_told = is_told
        self._lock = threading.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._rulings = HeldRulings(lambda: dict(self._breakers), now=now)
        self._reader = OverrideReader(self._rulings.take)
        self._own = OwnNews()
        self._others = OthersNews(self.process)
        self._others_pauses: dict[str, float] = {}
        self._wake = threading.Event()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    def add(self, breaker: Breaker) -> None:
        """Shares a breaker; staff's override and a pause that other processes know of hold for it at once."""
        service = str(breaker.name)
        with self._lock:
            self._breakers[service] = breaker
        breaker.add_listener(self)
        self._rulings.apply()
        breaker.hear_pause(self._others_pauses.get(service, 0.0) - self._now())

    def start(self) -> None:
        """Polls and reads the overrides for the first time, and starts the threads. Further calls do nothing."""
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="breaker-sharing", daemon=True)
        self._reader.start()
        self._poll_safely()
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Ends the threads: one that writes a log line while the interpreter goes away would abort the process."""
        self._reader.stop()
        self._is_stopped = True
        self._wake.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._is_stopped:
            self._wake.wait(HEARTBEAT_SECONDS if self._is_told() else POLL_SECONDS)
            self._wake.clear()
            if not self._is_stopped:
                self._poll_safely()

    def _poll_safely(self) -> None:
        """Polls and raises nothing: the thread must outlive whatever is found in Redis."""
        try:
            self.poll()
        except CacheDownError:
            return
        except Exception:
            log.exception("breakers.look_failed")

    def look(self) -> None:
        """Wakes the thread, which polls at once."""
        self._wake.set()

    def state_change(
        self, cb: pybreaker.CircuitBreaker, old_state: pybreaker.CircuitBreakerState | None, new_state: Any
    ) -> None:
        """Publishes a trip when a closed breaker of this process opens; others hear of it at their next poll."""
        if old_state is None or (old_state.name, new_state.name) != (pybreaker.STATE_CLOSED, pybreaker.STATE_OPEN):
            return
        self._own.add_trip(str(cb.name))
        self._wake.set()

    def publish_pause(self, service: str, seconds: float) -> None:
        """Publishes that an upstream asked this process for a pause; other processes hear of it at their next poll."""
        self._own.add_pause(service, self._now() + seconds)
        self._wake.set()

    def may_probe(self, service: str) -> bool:
        """Takes the right to probe; returns False while another process has it, True when Redis does not answer."""
        try:
            return self._store.take_probe(service, self.process, self._breakers[service].probe_seconds)
        except CacheDownError:
            return True

    def end_probe(self, service: str) -> None:
        """Gives back the right to probe."""
        with suppress(CacheDownError):
            self._store.end_probe(service, self.process)

    def poll(self) -> None:
        """Publishes this process's trips, pauses and states, and takes over those of the others.

        Raises CacheDownError; an override that is over ends all the same, and news that Redis did not take is
        published at the next poll.
        """
        self._rulings.apply()
        own = self._own.take()
        was_told = False
        try:
            snapshot = self._store.exchange(self.process, self._own_snapshot(own))
            was_told = snapshot.was_told
        finally:
            if not was_told:
                self._own.keep(own)
        self._hear(self._others.take(snapshot))
        if own.trips or own.pauses:
            self._tell()

    def _own_snapshot(self, own: Unpublished) -> OwnSnapshot:
        now = self._now()
        left = {service: until - now for service, until in own.pauses.items() if until > now}
        return OwnSnapshot(trips=own.trips, pause_seconds=left, reports=self.reports(), rates=rate_book().rates())

    def _hear(self, news: News) -> None:
        for service, seconds in news.pauses.items():
            self._others_pauses[service] = self._now() + seconds
            if service in self._breakers:
                self._breakers[service].hear_pause(seconds)
        for service in news.trips:
            if service in self._breakers:
                self._breakers[service].suspect()
        if news.has_rulings:
            self._reader.wake()

    def read_rulings(self) -> None:
        """Reads staff's overrides from the database, in this thread. Raises `django.db.Error`."""
        self._reader.turn()

    def reports(self) -> list[BreakerReport]:
        """Returns the reports of this process's breakers."""
        now = self._now()
        return [report_of(breaker, process=self.process, now=now) for breaker in list(self._breakers.values())]

    def all_reports(self) -> list[BreakerReport]:
        """Returns the reports of all processes that are alive. Raises CacheDownError."""
        return self._store.reports()

    def rates_of_others(self) -> list[Rates]:
        """Returns the rates of the last minute of the other processes that are alive. Raises CacheDownError."""
        return [rates for process, rates in self._store.rates().items() if process != self.process]

    def orders(self) -> dict[str, OverrideOrder]:
        """Reads staff's orders that hold now, by service, from the database. Raises `django.db.Error`."""
        now = self._now()
        found = {service: ruling.order_at(now) for service, ruling in overrides.read_rulings().items()}
        return {service: order for service, order in found.items() if order is not None}

    def order(self, service: str, order: OverrideOrder) -> Ruling:
        """Writes staff's override; the caller calls `announce` once it is committed. Raises `django.db.Error`."""
        return overrides.write_order(service, order)

    def order_reset(self, service: str, *, reason: str, ordered_by: str) -> Ruling:
        """Writes that a breaker closes everywhere and its override ends; the caller calls `announce` once committed."""
        return overrides.write_reset(service, reason=reason, ordered_by=ordered_by)

    def announce(self, service: str, ruling: Ruling) -> None:
        """Makes every process read what was written within a second; without Redis they find it by themselves."""
        with suppress(CacheDownError):
            self._store.tell_ruling(service, ruling.revision, is_reset=ruling.order is None)
            self._tell()
        self._reader.wake()


@process_singleton
def breaker_sync() -> BreakerSync:
    """Returns the BreakerSync of this process, with its threads running."""
    channel = cluster()
    sharing = BreakerSync(
        default_cache().circuit,
        prefix=settings.CACHE_KEY_PREFIX,
        tell=lambda: channel.tell_only(BREAKERS),
        is_told=lambda: channel.lease.is_valid,
    )
    channel.on(BREAKERS, lambda _: sharing.look())
    sharing.start()
    return sharing
