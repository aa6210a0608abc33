"""The thread that tells Redis once a second what this process has counted, and takes over what concerns it.

Nobody waits for it. What Redis does not take is kept for the next beat: counts as a sum, the rest within bounds.
"""

import os
import threading
import uuid
from collections import deque
from contextlib import suppress
from typing import Any, Final

import structlog
from django.conf import settings
from redis import Redis

from gateway_clients import instrumentation
from gateway_clients.caching.store import default_cache
from gateway_clients.fleet.counters import CounterStore, total
from gateway_clients.fleet.drift import DriftBook
from gateway_clients.fleet.explanations import Explanation, ExplanationStore
from gateway_clients.fleet.game_days import FaultStore, are_allowed
from gateway_clients.fleet.gauges import set_gauges
from gateway_clients.fleet.processes import ProcessStore, own_status, version
from gateway_clients.fleet.timeline import BreakerListener, Timeline
from gateway_clients.instrumentation import logs
from gateway_clients.instrumentation.metrics import metrics
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline.upstreams import all_upstreams
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.resilience.faults import FAULTS
from gateway_clients.runtime.singletons import process_singleton

BEAT_SECONDS: Final = 1.0
#: Explanations that wait for Redis in one process.
MOST_UNTOLD: Final = 200
log = structlog.get_logger(__name__)


class Pulse:
    """What this process tells and hears. `beat` is one turn of the thread; tests call it themselves."""

    def __init__(self, circuit: RedisCircuit, *, prefix: str) -> None:
        self.process = f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.circuit = circuit
        self.counters = CounterStore(prefix)
        self.processes = ProcessStore(prefix)
        self.timeline = Timeline(prefix, process=self.process)
        self.explanations = ExplanationStore(prefix)
        self.drift = DriftBook(prefix)
        self.faults = FaultStore(prefix)
        self._version = f"{prefix}:fleet:version"
        self._untold: dict[str, int] = {}
        self._unexplained: deque[Explanation] = deque(maxlen=MOST_UNTOLD)
        self._wake = threading.Event()
        self._is_listening = False

    def listen(self) -> None:
        """Hears of breakers that move, of log lines that belong into the timeline, and of answers that drift; once."""
        if self._is_listening:
            return
        self._is_listening = True
        logs.watch(self.timeline.hear_log)
        instrumentation.observe(self.drift.hear)
        listener = BreakerListener(self.timeline)
        for each in all_upstreams():
            each.breaker.add_listener(listener)

    def start(self) -> None:
        """Starts the thread of the pulse."""
        self.listen()
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def explain(self, explanation: Explanation) -> None:
        """Keeps an explanation at the next beat."""
        self._unexplained.append(explanation)

    def _run(self) -> None:
        with suppress(CacheDownError):
            self.circuit.run(self._tell_version)
        while True:
            self._wake.wait(BEAT_SECONDS)
            try:
                self.beat()
            except CacheDownError:
                continue
            except Exception:
                log.exception("pulse.failed")

    def _tell_version(self, redis: Redis) -> None:
        """Tells a deploy: the first process of another version than the last one was."""
        own = version()
        found: Any = redis.set(self._version, own, get=True)
        before = own if found is None else found.decode(errors="replace")
        if before != own:
            self.timeline.add("deploy", f"Version {own} started, after {before}")

    def beat(self) -> None:
        """One turn. Raises CacheDownError."""
        fresh = tally().take()
        metrics().counted(fresh)
        set_gauges()
        counts = total((self._untold, fresh))
        explaining = list(self._unexplained)
        self._unexplained.clear()
        try:
            self.circuit.run(lambda redis: self._tell(redis, counts, explaining))
        except CacheDownError:
            self._untold = counts
            self._unexplained.extendleft(reversed(explaining))
            FAULTS.replace({})
            raise
        self._untold = {}

    def _tell(self, redis: Redis, counts: dict[str, int], explaining: list[Explanation]) -> None:
        pipeline = redis.pipeline(transaction=False)
        self.counters.add(pipeline, counts)
        self.processes.tell(pipeline, own_status(self.process))
        self.drift.tell(redis, counts)
        for explanation in explaining:
            self.explanations.keep(pipeline, explanation)
        telling = self.timeline.tell(pipeline)
        try:
            # What Redis refuses of it is lost: told again, the rest would count twice.
            pipeline.execute(raise_on_error=False)
        except BaseException:
            self.timeline.keep(telling)
            raise
        if are_allowed():
            FAULTS.replace(self.faults.faults(redis))


@process_singleton
def pulse() -> Pulse:
    """That of this process; its thread runs once somebody has started it."""
    return Pulse(default_cache().circuit, prefix=settings.CACHE_KEY_PREFIX)
