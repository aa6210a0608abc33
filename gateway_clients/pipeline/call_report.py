"""Reports the end of a call to the breaker and to the observers, in the same way for every client."""

from typing import Any

from gateway_clients import instrumentation
from gateway_clients.errors import UpstreamBusyError, UpstreamError, UpstreamRejectedError, UpstreamUnavailableError
from gateway_clients.pipeline.call import Call
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
