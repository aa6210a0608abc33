"""What a stream holds while it is under way: a permit of the breaker, and a place among an upstream's streams."""

import time
from contextlib import ExitStack
from typing import Any, Final

from django.core.signals import setting_changed

from gateway_clients.conf import SERVICES
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.call_report import report_end
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.breaker import Permit
from gateway_clients.resilience.bulkhead import Bulkhead
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.transport.streams import Stream

#: Streams in flight to one upstream.
STREAM_LIMIT: Final = 4


@process_singleton
def stream_bulkhead(name: str) -> Bulkhead:
    """Returns the bulkhead for streams of an upstream."""
    return Bulkhead(name, STREAM_LIMIT)


class Passage:
    """One stream under way: it takes a permit and a place, and gives both back once, at its end."""

    def __init__(self, call: Call[Any], deadline: Deadline) -> None:
        if call.service not in SERVICES:
            raise KeyError(call.service)
        self._call = call
        self._deadline = deadline
        self._began_at = time.monotonic()
        self._portals_seconds = 0.0
        self._permit: Permit = upstream(call.service).breaker.admit()
        self._held = ExitStack()
        self._waiting_seconds = 0.0
        try:
            self._held.enter_context(stream_bulkhead(call.service).place())
        except BaseException:
            self._permit.ignored()
            raise

    def hold(self, stream: Stream) -> None:
        """Takes the stream, which `end` closes."""
        self._held.callback(stream.close)

    def waited(self, seconds: float) -> None:
        """Records how long the upstream took to answer; the time that the bytes take depends on the portal too."""
        self._waiting_seconds = seconds

    def waited_for_portal(self, seconds: float) -> None:
        """Records how long the portal took to send a piece, or to take one."""
        self._portals_seconds += seconds

    @property
    def _is_portals_fault(self) -> bool:
        """Whether the time is over and the portal used up most of it: it says nothing of the upstream."""
        return self._deadline.has_passed and self._portals_seconds > (time.monotonic() - self._began_at) / 2

    def end(self, error: BaseException | None = None) -> None:
        """Ends the stream; further calls do nothing."""
        permit, self._permit = self._permit, None  # type: ignore[assignment]  # given back once
        if permit is None:
            return
        self._held.close()
        report_end(self._call, permit, error, self._waiting_seconds, was_cut_short=self._is_portals_fault)
        direction = "down" if self._call.is_repeatable else "up"
        tally().add(f"stream|{direction}|{'ok' if error is None else getattr(error, 'code', 'cut_off')}")


def forget(**_: object) -> None:
    """Start anew with other settings; for tests."""
    stream_bulkhead.cache_clear()


setting_changed.connect(forget)
