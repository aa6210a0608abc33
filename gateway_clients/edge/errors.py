"""Errors that portals see: `application/problem+json` (RFC 9457), each with a stable code."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

FieldErrors = Mapping[str, Sequence[str]]


class ApiError(Exception):
    """The root of what the edge itself refuses. `detail` is shown to the portal; it never holds what was sent."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: FieldErrors | None = None,
        retry_after_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors
        self.retry_after_seconds = retry_after_seconds
        self.headers = headers or {}


class BadUserInputError(ApiError):
    """Input that breaks a rule; `errors` names the fields."""

    status = 400
    code = "bad_user_input"
    title = "Bad input"


class UnauthenticatedError(ApiError):
    """No token, or one that does not hold."""

    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class TokenExpiredError(UnauthenticatedError):
    """A token that is the gateway's own and whose time is over."""

    code = "token_expired"
    title = "The token has expired"


class WrongCredentialsError(UnauthenticatedError):
    """An e-mail and a password that are not those of an active account; which of it is not told."""

    code = "wrong_credentials"
    title = "Wrong e-mail or password."


class AccessDeniedError(ApiError):
    """The account may not see or do this."""

    status = 403
    code = "forbidden"
    title = "Access denied"


class NotFoundError(ApiError):
    """There is no such thing, or it is somebody else's."""

    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowedError(ApiError):
    """The address does not take this method."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"


class NotAcceptableError(ApiError):
    """The portal takes none of the forms in which this can be answered."""

    status = 406
    code = "not_acceptable"
    title = "Not acceptable"


class TokenAlreadyRotatedError(ApiError):
    """Another request used this refresh token a moment ago."""

    status = 409
    code = "token_already_rotated"
    title = "The refresh token was used a moment ago"


class TooLargeError(ApiError):
    """The body is larger than the gateway takes."""

    status = 413
    code = "too_large"
    title = "The body is too large"


class UnsupportedMediaTypeError(ApiError):
    """The body is of a kind that this address does not take."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


class RateLimitedError(ApiError):
    """Too many requests in the window; `retry_after_seconds` until it ends."""

    status = 429
    code = "rate_limited"
    title = "Too many requests, please try again later"


class OverloadedError(ApiError):
    """Refused before anything was done, because so many ask for the same at once."""

    status = 503
    code = "overloaded"
    title = "The gateway is busy"


class TemporarilyUnavailableError(ApiError):
    """Something of the gateway's own, such as its database, does not answer."""

    status = 503
    code = "upstream_unavailable"
    title = "Service temporarily unavailable"
