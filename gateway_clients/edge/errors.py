"""Errors that portals see: `application/problem+json` (RFC 9457), each with a stable code."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from gateway_clients.errors import ErrorCode

FieldErrors = Mapping[str, Sequence[str]]


class ApiError(Exception):
    """The root of what the edge itself refuses. `detail` is shown to the portal; it never holds what was sent."""

    status: ClassVar[int] = 500
    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL_ERROR
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
    code = ErrorCode.BAD_USER_INPUT
    title = "Bad input"


class UnauthenticatedError(ApiError):
    """No token, or one that does not hold."""

    status = 401
    code = ErrorCode.UNAUTHENTICATED
    title = "Sign in first"


class WrongSignatureError(UnauthenticatedError):
    """An event that none of the secrets has signed."""

    title = "The signature is wrong"


class TokenExpiredError(UnauthenticatedError):
    """A token that is the gateway's own and whose time is over."""

    code = ErrorCode.TOKEN_EXPIRED
    title = "The token has expired"


class WrongCredentialsError(UnauthenticatedError):
    """An e-mail and a password that are not those of an active account; which of it is not told."""

    code = ErrorCode.WRONG_CREDENTIALS
    title = "Wrong e-mail or password."


class SecondFactorRequiredError(UnauthenticatedError):
    """The right password of an account that has, or must have, a second factor, without its code."""

    code = ErrorCode.SECOND_FACTOR_REQUIRED
    title = "A code of the second factor is needed"


class AccessDeniedError(ApiError):
    """The account may not see or do this. `member_id`: whose data it wanted, where somebody was named."""

    status = 403
    code = ErrorCode.FORBIDDEN
    title = "Access denied"
    member_id: str | None = None


class CsrfFailedError(AccessDeniedError):
    """A request with a session cookie that does not come from a page of the portals' own."""

    code = ErrorCode.CSRF_FAILED
    title = "Not from a page of the portal"


class NotFoundError(ApiError):
    """There is no such thing, or it is somebody else's."""

    status = 404
    code = ErrorCode.NOT_FOUND
    title = "Not found"


class MethodNotAllowedError(ApiError):
    """The address does not take this method."""

    status = 405
    code = ErrorCode.METHOD_NOT_ALLOWED
    title = "Method not allowed"


class NotAcceptableError(ApiError):
    """The portal takes none of the forms in which this can be answered."""

    status = 406
    code = ErrorCode.NOT_ACCEPTABLE
    title = "Not acceptable"


class TokenAlreadyRotatedError(ApiError):
    """Another request used this refresh token a moment ago."""

    status = 409
    code = ErrorCode.TOKEN_ALREADY_ROTATED
    title = "The refresh token was used a moment ago"


class TooLargeError(ApiError):
    """The body is larger than the gateway takes."""

    status = 413
    code = ErrorCode.TOO_LARGE
    title = "The body is too large"


class UnsupportedMediaTypeError(ApiError):
    """The body is of a kind that this address does not take."""

    status = 415
    code = ErrorCode.UNSUPPORTED_MEDIA_TYPE
    title = "Unsupported media type"


class RateLimitedError(ApiError):
    """Too many requests in the window; `retry_after_seconds` until it ends."""

    status = 429
    code = ErrorCode.RATE_LIMITED
    title = "Too many requests, please try again later"


class OverloadedError(ApiError):
    """Refused before anything was done, because so many ask for the same at once."""

    status = 503
    code = ErrorCode.OVERLOADED
    title = "The gateway is busy"


class TemporarilyUnavailableError(ApiError):
    """Something of the gateway's own, such as its database, does not answer."""

    status = 503
    code = ErrorCode.UPSTREAM_UNAVAILABLE
    title = "Service temporarily unavailable"
