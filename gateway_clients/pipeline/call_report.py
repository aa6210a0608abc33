"""Reports the end of a call, and what its answer lacked, in the same way for every client."""

from typing import Any

from gateway_clients import instrumentation
from gateway_clients.errors import UpstreamBusyError, UpstreamError, UpstreamRejectedError, UpstreamUnavailableError
from gateway_clients.pipeline.call import Call, Parsed
from gateway_clients.resilience.breaker import Permit


def report_end(
    call: Call[Any], permit: Permit, error: BaseException | None, seconds: float, *, was_cut_short: bool = False
) -> None:
    """Ends the permit with the outcome, and tells the observers.

    `seconds` is the time that the upstream had. `was_cut_short`: the caller's deadline passed, not the attempt's. An
    error that asks for a pause (429) then carries the clamped Retry-After, not the upstream's.
    """
    match error:
        case UpstreamUnavailableError() if not was_cut_short:
            permit.failed(seconds, error)
        case None | UpstreamRejectedError():
            permit.succeeded(seconds)
        case UpstreamBusyError(was_sent=True):
            error.retry_after_seconds = permit.breaker.pause(error.retry_after_seconds)
            permit.succeeded(seconds)
        case _:
            permit.ignored()
    if error is None or isinstance(error, UpstreamError):
        instrumentation.tell(
            instrumentation.CallRecord(
                service=call.service,
                operation=call.operation,
                outcome="ok" if error is None else error.code,
                seconds=seconds,
                state="asked",
            )
        )


def report_drift(call: Call[Any], parsed: Parsed[Any]) -> None:
    """Tells the observers what of an answer was not as its contract says, behind the end of its call."""
    if parsed.drift or parsed.omitted:
        instrumentation.tell(
            instrumentation.DriftRecord(
                service=call.service,
                operation=call.operation,
                fields=parsed.drift,
                omitted=parsed.omitted,
                shapes=parsed.shapes,
                fields_of_omitted=fields_of_omitted(parsed),
            )
        )


def fields_of_omitted(parsed: Parsed[Any]) -> tuple[str, ...]:
    """Returns the fields that drifted only in items that were left out."""
    if not parsed.omitted:
        return ()
    return tuple(name for name in parsed.drift if "[]" in name and name not in parsed.drifted)
