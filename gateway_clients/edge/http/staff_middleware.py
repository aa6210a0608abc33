"""Django's own middleware for staff's pages alone: sessions, messages, protection of forms."""

from typing import Any, Final

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from gateway_clients.edge.errors import OverloadedError, RateLimitedError
from gateway_clients.edge.http.addresses import STAFF
from gateway_clients.edge.output.problems import retry_after

BUSY: Final = "<!doctype html><html lang=en><title>Busy</title><h1>Busy</h1><p>Nothing was done. Try again in a moment."
#: What the server's side says in the WSGI environment of a request whose cookies did not arrive.
COOKIES_LOST: Final = "gateway.cookies_lost"
LOST_COOKIES: Final = (
    "The cookies cannot be read: one of them has letters beyond ASCII. Remove it in the browser's settings."
)


class _ForStaff:
    """Makes a middleware of Django's touch staff's pages only."""

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path_info.startswith(STAFF):
            return self.get_response(request)  # type: ignore[attr-defined]  # the middleware it is mixed into has it
        return self.for_staff(request)

    def for_staff(self, request: HttpRequest) -> Any:
        """The answer to a request of staff's."""
        return super().__call__(request)  # type: ignore[misc]  # the middleware it is mixed into has it


class StaffSessionMiddleware(_ForStaff, SessionMiddleware):
    """Sessions of staff. Cookies given over TLS are for TLS alone."""

    def for_staff(self, request: HttpRequest) -> Any:
        """Marks the cookies. Refuses cookies that the HTTP server has emptied, instead of taking staff for nobody."""
        if request.META.get(COOKIES_LOST):
            return HttpResponse(LOST_COOKIES, status=400, content_type="text/plain; charset=utf-8")
        response = super().for_staff(request)
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


class StaffCsrfMiddleware(_ForStaff, CsrfViewMiddleware):
    """CSRF protection of staff's forms."""

    def process_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Checks staff's forms; the API takes no cookies."""
        return super().process_view(request, *args, **kwargs) if request.path_info.startswith(STAFF) else None


class StaffAuthenticationMiddleware(_ForStaff, AuthenticationMiddleware):
    """Who of staff is signed in."""


class StaffMessageMiddleware(_ForStaff, MessageMiddleware):
    """What staff is told after an action, or instead of it where too many ask for the same."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """503 or 429 for what was refused before anything was done; None for everything else."""
        if not (request.path_info.startswith(STAFF) and isinstance(error, OverloadedError | RateLimitedError)):
            return None
        return HttpResponse(BUSY, status=error.status, headers={"Retry-After": str(retry_after(error))})
