"""The second half of the pipe: retry → breaker → bulkhead → transport → parse."""

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
from gateway_clients.resilience.breaker import Permit
from gateway_clients.resilience.bulkhead import Bulkhead
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import Answer
from gateway_clients.upstream.asker import Asker, outgoing
from gateway_clients.upstream.call import Call, Parsed
from gateway_clients.upstream.outcome import Outcome, SectionState
from gateway_clients.upstream.reckoning import tell_end
from gateway_clients.upstream.registry import Upstream
from gateway_clients.upstream.steps import Attempt, Pause, Pipe, Turn
from gateway_clients.upstream.understanding import understood

P = TypeVar("P")

#: A second try with less time than this left would only keep the caller waiting.
SHORTEST_ATTEMPT_SECONDS: Final = 0.02


def asked(call: Call[P], target: Upstream, asker: Asker, deadline: Deadline) -> Pipe[Outcome[P]]:
    """A call whose answer is never kept. Raises UpstreamError's kinds, a 404 too."""
    asked_at = time.monotonic()
    parsed = yield from ask(call, target, asker, deadline)
    return fresh_outcome(parsed, asked_at)


def fresh_outcome(parsed: Parsed[P], asked_at: float = 0.0) -> Outcome[P]:
    """The outcome of an answer that was asked for at this monotonic moment."""
    return Outcome(parsed.value, SectionState.FRESH, omitted=parsed.omitted, true_at=asked_at, drifted=parsed.drifted)


def ask(call: Call[P], target: Upstream, asker: Asker, deadline: Deadline) -> Pipe[Parsed[P]]:
    """Retry: a read that got no useful answer is tried once more, while time and the upstream's retry budget last."""
    target.retries.add_call()
    try:
        return (yield from _attempt(target, call, asker, deadline))
    except UpstreamUnavailableError as error:
        wait_seconds = target.retries.wait_seconds()
        has_time = deadline.remaining_seconds > wait_seconds + SHORTEST_ATTEMPT_SECONDS
        if not (call.is_repeatable and has_time and target.retries.try_take()):
            raise
        yield Pause(wait_seconds)
        try:
            return (yield from _attempt(target, call, asker, deadline))
        except (UpstreamUnavailableError, UpstreamRejectedError):
            raise
        except UpstreamError:
            raise error from None


def _attempt(target: Upstream, call: Call[P], asker: Asker, deadline: Deadline) -> Pipe[Parsed[P]]:
    """Breaker, bulkhead, transport, and what the answer means. The upstream's time begins behind the place."""
    permit = yield from _entered(target, call, deadline)
    started_at = time.monotonic()
    try:
        try:
            attempt_deadline = deadline.sooner(target.conf.timeout_seconds)
            answer = yield Attempt(outgoing(call, asker, target.conf, deadline), attempt_deadline)
            parsed = understood(call, cast(Answer, answer), deadline)
        finally:
            target.bulkhead.leave()
    except BaseException as error:
        seconds = time.monotonic() - started_at
        is_short = seconds < min(target.conf.timeout_seconds, target.conf.breaker_slow_seconds)
        tell_end(call, permit, error, seconds, was_cut_short=deadline.has_passed and is_short)
        raise
    tell_end(call, permit, None, time.monotonic() - started_at)
    if parsed.drift or parsed.omitted:
        instrumentation.tell(
            instrumentation.DriftRecord(
                service=call.service, operation=call.operation, fields=parsed.drift, omitted=parsed.omitted
            )
        )
    return parsed


def _entered(target: Upstream, call: Call[Any], deadline: Deadline) -> Pipe[Permit]:
    """A place at the upstream, which the caller gives back, and its breaker's leave to call.

    Writes and patient calls wait for the place, patient ones for the end of a pause too; whoever waited asks the
    breaker anew. Raises DeadlineExceededError, UpstreamBusyError, UpstreamCircuitOpenError.
    """
    while True:
        _require_time(call, deadline)
        pause_seconds = target.breaker.paused_seconds if call.is_patient else 0.0
        if 0.0 < pause_seconds < deadline.remaining_seconds:
            yield Pause(pause_seconds)
            continue
        permit = target.breaker.admit()
        if target.bulkhead.try_enter():
            return permit
        if call.is_repeatable and not call.is_patient:
            raise _busy(call, permit)
        permit.ignored()
        try:
            yield from _turn(target.bulkhead, deadline)
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
    tell_end(call, permit, error, 0.0)
    return error


def _turn(bulkhead: Bulkhead, deadline: Deadline) -> Pipe[None]:
    """Waits once, in the queue, for a place. Raises UpstreamBusyError when the deadline passes before."""
    ticket = bulkhead.queue()
    try:
        if not ticket.has_place:
            yield Turn(ticket, deadline)
        bulkhead.claim(ticket)
    except BaseException:
        bulkhead.drop(ticket)
        raise
