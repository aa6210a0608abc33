"""The second half of the pipe: retry → breaker → bulkhead → transport → parse."""

import time
from typing import Any, Final, TypeVar, cast

from gateway_clients import instrumentation
from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import (
    DeadlineExceededError,
    UpstreamBusyError,
    UpstreamError,
    UpstreamRejectedError,
    UpstreamUnavailableError,
)
from gateway_clients.resilience.breaker import Permit
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import Answer
from gateway_clients.upstream.asker import Asker, outgoing
from gateway_clients.upstream.call import Call, Parsed
from gateway_clients.upstream.outcome import Outcome, SectionState
from gateway_clients.upstream.registry import Upstream
from gateway_clients.upstream.steps import Attempt, Pause, Pipe
from gateway_clients.upstream.understanding import understood

P = TypeVar("P")

#: A second try with less time than this left would only keep the caller waiting.
SHORTEST_ATTEMPT_SECONDS: Final = 0.02


def asked(call: Call[P], target: Upstream, asker: Asker, deadline: Deadline) -> Pipe[Outcome[P]]:
    """A call whose answer is never kept. Raises UpstreamError's kinds, a 404 too."""
    asked_at = time.monotonic()
    parsed = yield from ask(call, target, asker, deadline)
    return Outcome(parsed.value, SectionState.FRESH, omitted=parsed.omitted, true_at=asked_at)


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
    """Breaker, bulkhead, transport, and what the answer means."""
    if deadline.has_passed:
        raise DeadlineExceededError(call.service)
    permit = target.breaker.admit()
    started_at = time.monotonic()
    try:
        target.bulkhead.enter(None if call.is_repeatable else deadline)
        try:
            attempt_deadline = deadline.sooner(target.conf.timeout_seconds)
            answer = yield Attempt(outgoing(call, asker, target.conf, deadline), attempt_deadline)
            parsed = understood(call, cast(Answer, answer))
        finally:
            target.bulkhead.leave()
    except BaseException as error:
        seconds = time.monotonic() - started_at
        _tell_breaker(permit, error, seconds, target.conf, deadline)
        if isinstance(error, UpstreamError):
            instrumentation.tell(_record(call, error.code, seconds))
        raise
    seconds = time.monotonic() - started_at
    permit.succeeded(seconds)
    instrumentation.tell(_record(call, "ok", seconds))
    if parsed.drift or parsed.omitted:
        instrumentation.tell(
            instrumentation.DriftRecord(
                service=call.service, operation=call.operation, fields=parsed.drift, omitted=parsed.omitted
            )
        )
    return parsed


def _tell_breaker(permit: Permit, error: BaseException, seconds: float, conf: UpstreamConf, deadline: Deadline) -> None:
    """Counts what says something of the upstream. A caller in a hurry does not: its time was over, not the attempt's.

    Of a pause that the upstream asked for the caller hears what the gateway makes of it.
    """
    was_cut_short = deadline.has_passed and seconds < min(conf.timeout_seconds, conf.breaker_slow_seconds)
    match error:
        case UpstreamUnavailableError() if not was_cut_short:
            permit.failed(seconds)
        case UpstreamRejectedError():
            permit.succeeded(seconds)
        case UpstreamBusyError(was_sent=True):
            error.retry_after_seconds = permit.breaker.pause(error.retry_after_seconds)
            permit.succeeded(seconds)
        case _:
            permit.ignored()


def _record(call: Call[Any], outcome: str, seconds: float) -> instrumentation.CallRecord:
    return instrumentation.CallRecord(
        service=call.service, operation=call.operation, outcome=outcome, seconds=seconds, state="asked"
    )
