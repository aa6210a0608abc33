"""Who a browser's session cookie belongs to."""

from typing import Any, ClassVar, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from gateway_clients.edge.access import require_own_page
from gateway_clients.edge.errors import BadUserInputError, UnauthenticatedError
from gateway_clients.edge.input import django_request
from members import browser_sessions
from members.browser_sessions import LivingSession
from members.caller import SignedInCaller

#: Over TLS; a browser sends such a cookie to this host alone, and takes it from this host alone (RFC 6265bis, 4.1.3.2).
SECURE_NAME: Final = "__Host-session"
#: Over plain HTTP, in development.
PLAIN_NAME: Final = "session"
BOTH: Final = "Send the session cookie or a token, not both."


class SessionAuthentication(BaseAuthentication):
    """A session cookie whose session, account and password still hold, sent by one of the portals' own pages.

    Using it prolongs it, unless the query says `slide=false`.
    """

    takes_any_request: ClassVar = True

    def authenticate(self, request: Request | HttpRequest) -> tuple[SignedInCaller, LivingSession] | None:
        """Returns the caller and the session; None without such a cookie.

        Raises BadUserInputError where there is a token as well, CsrfFailedError for a request that does not come from
        one of the portals' pages, UnauthenticatedError for a session that is over.
        """
        if "HTTP_COOKIE" not in request.META:
            return None
        given = request if isinstance(request, HttpRequest) else django_request(request)
        secret = secret_of(given)
        if secret is None:
            return None
        require_own_page(given)
        session = browser_sessions.living(secret)
        if session is None:
            raise UnauthenticatedError
        if given.GET.get("slide") != "false":
            browser_sessions.prolong(session)
        return session.caller, session

    def authenticate_header(self, request: Request) -> str:
        """Returns the challenge of a 401."""
        return "Bearer"


def is_over_tls() -> bool:
    """Whether browsers come over TLS: everywhere but in development."""
    return bool(settings.ENVIRONMENT != "development")


def cookie_name() -> str:
    """The cookie's name here: without TLS browsers refuse the prefix."""
    return SECURE_NAME if is_over_tls() else PLAIN_NAME


def secret_of(request: HttpRequest) -> str | None:
    """The secret in a request's cookie, if there is one. Raises BadUserInputError where a token comes with it."""
    secret = request.COOKIES.get(cookie_name())
    if secret is not None and "HTTP_AUTHORIZATION" in request.META:
        raise BadUserInputError(BOTH)
    return secret


def session_of(request: HttpRequest) -> LivingSession | None:
    """The session that a request's cookie names, if it holds; its use is not noted. Raises as `secret_of` does."""
    secret = secret_of(request)
    return None if secret is None else browser_sessions.living(secret)


def set_cookie(response: HttpResponse, secret: str) -> None:
    """Gives the browser a session's secret, which no script can read; it goes when the browser is closed."""
    response.set_cookie(cookie_name(), secret, **cookie_attributes())


def clear_cookie(response: HttpResponse) -> None:
    """Makes the browser delete the cookie."""
    response.set_cookie(cookie_name(), "", max_age=0, **cookie_attributes())


def cookie_attributes() -> dict[str, Any]:
    """For this host alone, unread by scripts, unsent from other sites' pages."""
    return {"path": "/", "httponly": True, "samesite": "Strict", "secure": is_over_tls()}
