"""The layers between the cache and the upstream: retry → breaker and bulkhead → adapter.

Each is a generator that yields what it needs done (`effects`); `stack` puts them together.
"""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from gateway_clients.errors import (
    DeadlineExceededError,
    NotEnoughTimeError,
    UpstreamBusyError,
    UpstreamCrowdedError,
    UpstreamError,
    UpstreamRejectedError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline.answer_times import answer_times
from gateway_clients.pipeline.call import Call, Parsed
from gateway_clients.pipeline.call_report import report_drift, report_end
from gateway_clients.pipeline.effects import AwaitPlace, Pipeline, SendRequest, Sleep
from gateway_clients.pipeline.injection import injected
from gateway_clients.pipeline.origin import RequestOrigin, upstream_request
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.response import parse_response
from gateway_clients.pipeline.trace import Step
from gateway_clients.pipeline.upstreams import Upstream
from gateway_clients.resilience.breaker import Permit
from gateway_clients.resilience.bulkhead import Bulkhead
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import UpstreamResponse

P = TypeVar("P")
#: The layers below a layer, as one function.
Layer = Callable[[Deadline], Pipeline[Parsed[P]]]
Adapter = Callable[[Deadline], Pipeline[UpstreamResponse]]

#: No retry begins with less time left than this: it would only keep the caller waiting.
SHORTEST_ATTEMPT_SECONDS: Final = 0.02
#: The shortest interval, in seconds, at which a waiting read checks whether the calls ahead of it are overdue.
SHORTEST_LOOK_SECONDS: Final = 0.05


def fresh_outcome(parsed: Parsed[P], asked_at: float = 0.0) -> Outcome[P]:
    """Returns the outcome of an answer that was asked for at `asked_at`, in monotonic seconds."""
    return Outcome(parsed.value, SectionState.FRESH, omitted=parsed.omitted, true_at=asked_at, drifted=parsed.drifted)


def retry_layer(
    call: Call[P], target: Upstream, origin: RequestOrigin, attempt: Layer[P], deadline: Deadline
) -> Pipeline[Parsed[P]]:
    """Retries a read that got no useful answer once, while time and the upstream's retry budget last."""
    target.retries.add_call()
    try:
        return (yield from attempt(deadline))
    except UpstreamUnavailableError as error:
        wait_seconds = target.retries.wait_seconds()
        has_time = deadline.remaining_seconds > wait_seconds + SHORTEST_ATTEMPT_SECONDS
        if not (call.is_repeatable and has_time and target.retries.try_take()):
            raise
        yield Sleep(wait_seconds)
        origin.trace.note(call, Step.RETRIED, error.code)
        tally().add(f"retry|{call.service}")
        try:
            return (yield from attempt(deadline))
        except (UpstreamUnavailableError, UpstreamRejectedError):
            raise
        except UpstreamError:
            raise error from None


def breaker_and_bulkhead_layer(
    call: Call[P], target: Upstream, origin: RequestOrigin, adapter: Adapter, deadline: Deadline
) -> Pipeline[Parsed[P]]:
    """Runs the adapter with the breaker's permit and a place in the bulkhead, and reports the outcome to both.

    They are one layer, because a call that waited for a place asks the breaker again. The upstream's time begins once
    the call has its place.
    """
    _require_usual_time(call, origin, deadline)
    permit = yield from _enter(target, call, deadline)
    started_at = time.monotonic()
    origin.trace.note(call, Step.SENT, "as the breaker's probe" if permit.is_probe else "")
    try:
        answer = yield from _answer_of(target, adapter, deadline, started_at)
        parsed = parse_response(call, answer, deadline)
    except BaseException as error:
        seconds = time.monotonic() - started_at
        is_short = seconds < min(target.conf.timeout_seconds, target.conf.breaker_slow_seconds)
        report_end(call, permit, error, seconds, was_cut_short=deadline.has_passed and is_short)
        origin.trace.note(call, Step.FAILED, str(getattr(error, "code", "internal_error")))
        raise
    report_end(call, permit, None, time.monotonic() - started_at)
    origin.trace.note(call, Step.ANSWERED)
    report_drift(call, parsed)
    return parsed


def _answer_of(target: Upstream, adapter: Adapter, deadline: Deadline, started_at: float) -> Pipeline[UpstreamResponse]:
    """Runs the adapter, gives the place back, and tells the bulkhead how long the answer took."""
    try:
        answer = yield from adapter(deadline)
    except UpstreamTimeoutError:
        target.bulkhead.leave(time.monotonic() - started_at, has_answered=False)
        raise
    except BaseException:
        target.bulkhead.leave()
        raise
    target.bulkhead.leave(time.monotonic() - started_at)
    return answer


def adapter_layer(
    call: Call[Any], target: Upstream, origin: RequestOrigin, deadline: Deadline
) -> Pipeline[UpstreamResponse]:
    """Sends the request within one attempt's timeout. A game day's fault delays or replaces it."""
    attempt_deadline = deadline.sooner(target.conf.timeout_seconds)
    yield from injected(call, target, deadline)
    answer = yield SendRequest(upstream_request(call, origin, target.conf, deadline), attempt_deadline)
    return cast(UpstreamResponse, answer)


def _enter(target: Upstream, call: Call[Any], deadline: Deadline) -> Pipeline[Permit]:
    """Takes a place at the upstream, which the caller gives back, and returns its breaker's permit.

    Writes and patient calls wait for the place while there is time, reads while the upstream's pace promises one;
    patient calls wait for the end of a pause too. A call that waited asks the breaker again.

    Raises DeadlineExceededError, UpstreamBusyError, UpstreamCircuitOpenError.
    """
    is_read = call.is_repeatable and not call.is_patient
    while True:
        _require_time(call, deadline)
        pause_seconds = target.breaker.paused_seconds if call.is_patient else 0.0
        if 0.0 < pause_seconds < deadline.remaining_seconds:
            yield Sleep(pause_seconds)
            continue
        permit = target.breaker.admit(may_probe_early=call.may_probe_early)
        if target.bulkhead.try_enter(is_read=is_read):
            return permit
        permit.ignored()
        began_at = time.monotonic()
        try:
            yield from _await_turn(target.bulkhead, deadline) if is_read else _await_place(target.bulkhead, deadline)
        except UpstreamBusyError as error:
            _count_wait(call.service, "crowded" if isinstance(error, UpstreamCrowdedError) else "busy", began_at)
            report_end(call, permit, error, 0.0)
            raise
        _count_wait(call.service, "served", began_at)
        try:
            _require_time(call, deadline)
            return target.breaker.admit(may_probe_early=call.may_probe_early)
        except BaseException as error:
            target.bulkhead.leave()
            if not (call.is_patient and isinstance(error, UpstreamBusyError)):
                raise


def _require_usual_time(call: Call[Any], origin: RequestOrigin, deadline: Deadline) -> None:
    """Raises NotEnoughTimeError for a read that has less time left than half of its upstream's answers take."""
    median = answer_times().median_seconds(call.service) if call.is_repeatable and not call.is_patient else None
    if median is not None and deadline.remaining_seconds < median:
        left_ms, needed_ms = deadline.remaining_seconds * 1000, median * 1000
        origin.trace.note(call, Step.SKIPPED, f"{left_ms:.0f} ms left, half of the answers take {needed_ms:.0f} ms")
        raise NotEnoughTimeError(call.service)


def _count_wait(service: str, outcome: str, began_at: float) -> None:
    tally().add(f"place|{service}|{outcome}")
    tally().add(f"waited|{service}", int((time.monotonic() - began_at) * 1000))


def _require_time(call: Call[Any], deadline: Deadline) -> None:
    if deadline.has_passed:
        raise DeadlineExceededError(call.service)


def _await_place(bulkhead: Bulkhead, deadline: Deadline) -> Pipeline[None]:
    """Waits once, in the queue, for a place. Raises UpstreamBusyError when the deadline passes before."""
    ticket = bulkhead.queue()
    try:
        if not ticket.has_place:
            yield AwaitPlace(ticket, deadline)
        bulkhead.claim(ticket)
    except BaseException:
        bulkhead.drop(ticket)
        raise


def _await_turn(bulkhead: Bulkhead, deadline: Deadline) -> Pipeline[None]:
    """Waits for a read's place, until the calls in flight are overdue. Raises UpstreamBusyError."""
    ticket = bulkhead.queue_read(deadline.remaining_seconds)
    try:
        while not (ticket.has_place or deadline.has_passed or bulkhead.is_overdue):
            yield AwaitPlace(ticket, deadline.sooner(max(SHORTEST_LOOK_SECONDS, bulkhead.seconds_to_overdue)))
        bulkhead.claim(ticket)
    except BaseException:
        bulkhead.drop(ticket)
        raise
