"""What can go wrong between the gateway and its upstreams.

    UpstreamError
    ├── UpstreamUnavailableError      no useful answer: counts against the breaker, retried if it was a read
    │   ├── UpstreamTimeoutError      no whole answer within the attempt's timeout
    │   ├── UpstreamConnectionError   refused, reset, dropped, no such host
    │   ├── UpstreamServerError       5xx
    │   └── UpstreamContractError     an answer that does not parse, or is about somebody else
    ├── UpstreamCircuitOpenError      not called: the breaker is open
    ├── UpstreamBusyError             not called: it does not answer those who are there, or asked for a pause (429)
    │   └── UpstreamCrowdedError      not called: a place would come too late, though it answers as usual
    ├── DeadlineExceededError         not called or not waited for: no time left
    └── UpstreamRejectedError         4xx: the request was wrong
        ├── UpstreamNotFoundError
        └── UpstreamConflictError
    GatewayOverloadedError            not called: too many requests of this process wait on upstreams already
    LimitExceededError                not called: the account or its address has used up its rate limit

Each carries the upstream's name, and the `status` and `code` that a portal sees for it. None carries an address or the
upstream's own words, except `UpstreamRejectedError.detail`, which is shown to nobody but the code that asked.
"""

from enum import StrEnum
from typing import ClassVar

import pybreaker


class ErrorCode(StrEnum):
    """The stable code of an error. Decide by it: texts may change."""

    BAD_USER_INPUT = "bad_user_input"
    MEMBER_NOT_ELIGIBLE = "member_not_eligible"
    PROVIDER_NOT_ACTIVE = "provider_not_active"
    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a code, no secret
    WRONG_CREDENTIALS = "wrong_credentials"
    SECOND_FACTOR_REQUIRED = "second_factor_required"
    FORBIDDEN = "forbidden"
    CSRF_FAILED = "csrf_failed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    CONFLICT = "conflict"
    REQUEST_IN_PROGRESS = "request_in_progress"
    TOKEN_ALREADY_ROTATED = "token_already_rotated"  # noqa: S105 - a code, no secret
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    KEY_REUSED = "key_reused"
    UPSTREAM_REFUSED = "upstream_refused"
    RATE_LIMITED = "rate_limited"
    INTERNAL_ERROR = "internal_error"
    UPSTREAM_BAD_ANSWER = "upstream_bad_answer"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    CIRCUIT_OPEN = "circuit_open"
    UPSTREAM_BUSY = "upstream_busy"
    OVERLOADED = "overloaded"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    NOT_ENOUGH_TIME = "not_enough_time"


class GatewayError(Exception):
    """The root of what the gateway itself raises while it asks upstreams."""

    status: ClassVar[int] = 500
    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL_ERROR
    title: ClassVar[str] = "Internal error"
    #: Seconds after which a portal may try again, for the `Retry-After` header; None: no such header.
    retry_after_seconds: float | None = None


class GatewayOverloadedError(GatewayError):
    """Too many requests of this process wait on upstreams already; this one was shed before any call."""

    status = 503
    code = ErrorCode.OVERLOADED
    title = "The gateway is busy"
    retry_after_seconds = 1.0


class LimitExceededError(GatewayError):
    """The count of requests is over its limit; nothing was asked for."""

    status = 429
    code = ErrorCode.RATE_LIMITED
    title = "Too many requests, please try again later"


class UpstreamError(GatewayError):
    """An upstream gave no answer that could be used.

    `was_sent` tells whether a byte of the request may have reached the upstream: of a write that was sent nobody knows
    whether it happened.
    """

    status = 503
    code = ErrorCode.UPSTREAM_UNAVAILABLE
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
    code = ErrorCode.UPSTREAM_TIMEOUT
    title = "Service did not answer in time"


class UpstreamConnectionError(UpstreamUnavailableError):
    """Refused, reset, dropped, or there is no such host."""


class UpstreamServerError(UpstreamUnavailableError):
    """The upstream answered 5xx."""


class UpstreamContractError(UpstreamUnavailableError):
    """The upstream's answer does not parse, is too large, or is about somebody else than was asked for."""

    status = 502
    code = ErrorCode.UPSTREAM_BAD_ANSWER
    title = "Service gave an answer that could not be used"
    retry_after_seconds = None


class UpstreamCircuitOpenError(UpstreamError, pybreaker.CircuitBreakerError):
    """Not called: the upstream's breaker is open."""

    code = ErrorCode.CIRCUIT_OPEN
    retry_after_seconds = 1.0


class UpstreamBusyError(UpstreamError):
    """Not called: the upstream does not answer the calls that are there, or it asked for a pause."""

    code = ErrorCode.UPSTREAM_BUSY
    retry_after_seconds = 1.0


class UpstreamCrowdedError(UpstreamBusyError):
    """Not called: more want places at the upstream than it can serve in time, though it answers as usual."""

    code = ErrorCode.OVERLOADED
    title = "The gateway is busy"


class DeadlineExceededError(UpstreamError):
    """Not called, or not waited for: the request's time budget is used up."""

    status = 504
    code = ErrorCode.DEADLINE_EXCEEDED
    title = "The time budget of the request is used up"


class NotEnoughTimeError(DeadlineExceededError):
    """Not called: less time is left than half of the upstream's answers took within the last minute."""

    code = ErrorCode.NOT_ENOUGH_TIME
    title = "There is not enough time left to ask the service"


class UpstreamRejectedError(UpstreamError):
    """The upstream answered 4xx: the request was wrong. `upstream_status` and `detail` are what it said."""

    status = 502
    code = ErrorCode.UPSTREAM_BAD_ANSWER
    title = "Service refused the gateway's request"

    def __init__(self, service: str, *, upstream_status: int, detail: str | None = None) -> None:
        super().__init__(service, was_sent=True)
        self.upstream_status = upstream_status
        self.detail = detail


class UpstreamNotFoundError(UpstreamRejectedError):
    """The upstream answered 404."""

    status = 404
    code = ErrorCode.NOT_FOUND
    title = "Not found"


class UpstreamConflictError(UpstreamRejectedError):
    """The upstream answered 409."""

    status = 409
    code = ErrorCode.CONFLICT
    title = "The state of the resource does not allow this"
