"""What can go wrong between the gateway and its upstreams.

    UpstreamError
    ├── UpstreamUnavailableError      no useful answer: counts against the breaker, retried if it was a read
    │   ├── UpstreamTimeoutError      no whole answer within the attempt's timeout
    │   ├── UpstreamConnectionError   refused, reset, dropped, no such host
    │   ├── UpstreamServerError       5xx
    │   └── UpstreamContractError     an answer that does not parse, or is about somebody else
    ├── UpstreamCircuitOpenError      not called: the breaker is open
    ├── UpstreamBusyError             not called: its bulkhead is full, or it asked for a pause (429)
    ├── DeadlineExceededError         not called or not waited for: no time left
    └── UpstreamRejectedError         4xx: the request was wrong
        ├── UpstreamNotFoundError
        └── UpstreamConflictError
    GatewayOverloadedError            not called: too many requests of this process wait on upstreams already

Each carries the upstream's name, and the `status` and `code` that a portal sees for it. None carries an address or the
upstream's own words, except `UpstreamRejectedError.detail`, which is shown to nobody but the code that asked.
"""

from typing import ClassVar


class GatewayError(Exception):
    """The root of what the gateway itself raises while it asks upstreams."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    #: Seconds after which a portal may try again, for the `Retry-After` header; None: no such header.
    retry_after_seconds: float | None = None


class GatewayOverloadedError(GatewayError):
    """Too many requests of this process wait on upstreams already; this one was shed before any call."""

    status = 503
    code = "overloaded"
    title = "The gateway is busy"
    retry_after_seconds = 1.0


class UpstreamError(GatewayError):
    """An upstream gave no answer that could be used.

    `was_sent` tells whether a byte of the request may have reached the upstream: of a write that was sent nobody knows
    whether it happened.
    """

    status = 503
    code = "upstream_unavailable"
    title = "Service temporarily unavailable"

    def __init__(self, service: str, *, was_sent: bool = False, retry_after_seconds: float | None = None) -> None:
        super().__init__(service)
        self.service = service
        self.was_sent = was_sent
        if retry_after_seconds is not None:
            self.retry_after_seconds = retry_after_seconds


class UpstreamUnavailableError(UpstreamError):
    """No useful answer. Counts against the breaker; a read is tried once more."""

    retry_after_seconds: float | None = 1.0


class UpstreamTimeoutError(UpstreamUnavailableError):
    """No whole answer within the attempt's timeout."""

    status = 504
    code = "upstream_timeout"
    title = "Service did not answer in time"


class UpstreamConnectionError(UpstreamUnavailableError):
    """Refused, reset, dropped, or there is no such host."""


class UpstreamServerError(UpstreamUnavailableError):
    """The upstream answered 5xx."""


class UpstreamContractError(UpstreamUnavailableError):
    """The upstream's answer does not parse, is too large, or is about somebody else than was asked for."""

    status = 502
    code = "upstream_bad_answer"
    title = "Service gave an answer that could not be used"
    retry_after_seconds = None


class UpstreamCircuitOpenError(UpstreamError):
    """Not called: the upstream's breaker is open."""

    code = "circuit_open"
    retry_after_seconds = 1.0


class UpstreamBusyError(UpstreamError):
    """Not called: the upstream's bulkhead is full, or it asked for a pause."""

    code = "upstream_busy"
    retry_after_seconds = 1.0


class DeadlineExceededError(UpstreamError):
    """Not called, or not waited for: the request's time budget is used up."""

    status = 504
    code = "deadline_exceeded"
    title = "The time budget of the request is used up"


class UpstreamRejectedError(UpstreamError):
    """The upstream answered 4xx: the request was wrong. `upstream_status` and `detail` are what it said."""

    status = 502
    code = "upstream_bad_answer"
    title = "Service refused the gateway's request"

    def __init__(self, service: str, *, upstream_status: int, detail: str | None = None) -> None:
        super().__init__(service, was_sent=True)
        self.upstream_status = upstream_status
        self.detail = detail


class UpstreamNotFoundError(UpstreamRejectedError):
    """The upstream answered 404."""

    status = 404
    code = "not_found"
    title = "Not found"


class UpstreamConflictError(UpstreamRejectedError):
    """The upstream answered 409."""

    status = 409
    code = "conflict"
    title = "The state of the resource does not allow this"
