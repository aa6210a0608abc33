"""What the end of a call says of its upstream, told to the breaker and to the observers; the same for every client."""

from typing import Any

from gateway_clients import instrumentation
from gateway_clients.errors import UpstreamBusyError, UpstreamError, UpstreamRejectedError, UpstreamUnavailableError
from gateway_clients.pipeline.call import Call
from gateway_clients.resilience.breaker import Permit


def report_end(
    call: Call[Any], permit: Permit, error: BaseException | None, seconds: float, *, was_cut_short: bool = False
) -> None:
    """Gives the permit back with how it went, and tells the observers.

    `seconds` are those that the upstream had. `was_cut_short`: the caller's time was over, not the attempt's. Of a
    pause that the upstream asked for the error then says what the gateway makes of it.
    """
    match error:
        case UpstreamUnavailableError() if not was_cut_short:
            permit.failed(seconds)
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
