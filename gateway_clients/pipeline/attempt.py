"""The second half of the pipeline: retry → breaker → bulkhead → transport → parse."""

import time
from typing import Any, Final, TypeVar, cast

from gateway_clients import instrumentation
from gateway_clients.errors import (
    DeadlineExceededError,
    UpstreamBusyError,
    UpstreamError,
    UpstreamRejectedError,
    UpstreamUnavailableError,
)
from gateway_clients.pipeline.call import Call, Parsed
from gateway_clients.pipeline.call_report import report_end
from gateway_clients.pipeline.effects import AwaitPlace, Pipeline, SendRequest, Sleep
from gateway_clients.pipeline.origin import RequestOrigin, upstream_request
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.response import parse_response
from gateway_clients.pipeline.upstreams import Upstream
from gateway_clients.resilience.breaker import Permit
from gateway_clients.resilience.bulkhead import Bulkhead
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import UpstreamResponse

P = TypeVar("P")

#: A second try with less time than this left would only keep the caller waiting.
SHORTEST_ATTEMPT_SECONDS: Final = 0.02


def uncached_call(call: Call[P], target: Upstream, origin: RequestOrigin, deadline: Deadline) -> Pipeline[Outcome[P]]:
    """A call whose answer is never kept. Raises UpstreamError's kinds, a 404 too."""
    asked_at = time.monotonic()
    parsed = yield from call_with_retry(call, target, origin, deadline)
    return fresh_outcome(parsed, asked_at)


def fresh_outcome(parsed: Parsed[P], asked_at: float = 0.0) -> Outcome[P]:
    """The outcome of an answer that was asked for at this monotonic moment."""
    return Outcome(parsed.value, SectionState.FRESH, omitted=parsed.omitted, true_at=asked_at, drifted=parsed.drifted)


def call_with_retry(call: Call[P], target: Upstream, origin: RequestOrigin, deadline: Deadline) -> Pipeline[Parsed[P]]:
    """Retry: a read that got no useful answer is tried once more, while time and the upstream's retry budget last."""
    target.retries.add_call()
    try:
        return (yield from _attempt(target, call, origin, deadline))
    except UpstreamUnavailableError as error:
        wait_seconds = target.retries.wait_seconds()
        has_time = deadline.remaining_seconds > wait_seconds + SHORTEST_ATTEMPT_SECONDS
        if not (call.is_repeatable and has_time and target.retries.try_take()):
            raise
        yield Sleep(wait_seconds)
        try:
            return (yield from _attempt(target, call, origin, deadline))
        except (UpstreamUnavailableError, UpstreamRejectedError):
            raise
        except UpstreamError:
            raise error from None


def _attempt(target: Upstream, call: Call[P], origin: RequestOrigin, deadline: Deadline) -> Pipeline[Parsed[P]]:
    """Breaker, bulkhead, transport, and what the answer means. The upstream's time begins behind the place."""
    permit = yield from _enter(target, call, deadline)
    started_at = time.monotonic()
    try:
        try:
            attempt_deadline = deadline.sooner(target.conf.timeout_seconds)
            answer = yield SendRequest(upstream_request(call, origin, target.conf, deadline), attempt_deadline)
            parsed = parse_response(call, cast(UpstreamResponse, answer), deadline)
        finally:
            target.bulkhead.leave()
    except BaseException as error:
        seconds = time.monotonic() - started_at
        is_short = seconds < min(target.conf.timeout_seconds, target.conf.breaker_slow_seconds)
        report_end(call, permit, error, seconds, was_cut_short=deadline.has_passed and is_short)
        raise
    report_end(call, permit, None, time.monotonic() - started_at)
    if parsed.drift or parsed.omitted:
        instrumentation.tell(
            instrumentation.DriftRecord(
                service=call.service, operation=call.operation, fields=parsed.drift, omitted=parsed.omitted
            )
        )
    return parsed


def _enter(target: Upstream, call: Call[Any], deadline: Deadline) -> Pipeline[Permit]:
    """A place at the upstream, which the caller gives back, and its breaker's leave to call.

    Writes and patient calls wait for the place, patient ones for the end of a pause too; whoever waited asks the
    breaker anew. Raises DeadlineExceededError, UpstreamBusyError, UpstreamCircuitOpenError.
    """
    while True:
        _require_time(call, deadline)
        pause_seconds = target.breaker.paused_seconds if call.is_patient else 0.0
        if 0.0 < pause_seconds < deadline.remaining_seconds:
            yield Sleep(pause_seconds)
            continue
        permit = target.breaker.admit()
        if target.bulkhead.try_enter():
            return permit
        if call.is_repeatable and not call.is_patient:
            raise _busy(call, permit)
        permit.ignored()
        try:
            yield from _await_place(target.bulkhead, deadline)
        except UpstreamBusyError:
            raise _busy(call, permit) from None
        try:
            _require_time(call, deadline)
            return target.breaker.admit()
        except BaseException as error:
            target.bulkhead.leave()
            if not (call.is_patient and isinstance(error, UpstreamBusyError)):
                raise


def _require_time(call: Call[Any], deadline: Deadline) -> None:
    if deadline.has_passed:
        raise DeadlineExceededError(call.service)


def _busy(call: Call[Any], permit: Permit) -> UpstreamBusyError:
    error = UpstreamBusyError(call.service)
    report_end(call, permit, error, 0.0)
    return error


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
