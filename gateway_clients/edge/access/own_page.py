"""Whether a request with a cookie comes from a page of the portals' own (RFC 10017, 6.1.3: a custom header).

A page of another origin cannot send the header without asking first (CORS), and only the
origins of CORS_ALLOWED_ORIGINS are told yes.
"""

from typing import Final

from django.conf import settings
from django.http import HttpRequest

from gateway_clients.edge.errors import CsrfFailedError

#: `X-CSRF: 1`, as the WSGI environment has it.
HEADER: Final = "HTTP_X_CSRF"
EXPECTED: Final = "1"


def require_own_page(request: HttpRequest) -> None:
    """Raises CsrfFailedError without the header, and for an origin that is neither the gateway's nor a portal's."""
    if request.META.get(HEADER) != EXPECTED:
        raise CsrfFailedError("A request with a session cookie needs the header X-CSRF: 1.")
    require_known_origin(request)


def require_known_origin(request: HttpRequest) -> None:
    """Raises CsrfFailedError where a browser names an origin that is neither the gateway's nor a portal's."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or origin in settings.CORS_ALLOWED_ORIGINS:
        return
    if origin != f"{request.scheme}://{request.get_host()}":
        raise CsrfFailedError("This origin may not use the session.")
