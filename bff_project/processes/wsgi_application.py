"""The WSGI application as the HTTP server calls it: it knows lost cookies and large heads, and bodies have a clock."""

from collections.abc import Iterable
from typing import Any, Final

from bff_project.processes import request_heads
from bff_project.processes.bodies import BodyPlaces, ClockedBody

WsgiApplication = Any
#: Says in the environment that granian has emptied a Cookie header: it does that to each with letters beyond ASCII,
#: and joins several of them by `;`.
COOKIES_LOST: Final = "gateway.cookies_lost"
#: granian would say what it is where an answer has no such header.
SERVER: Final = ("Server", "web-bff")


class ServedApplication:
    """Django's application behind granian.

    Its answers name the gateway and not the server. With `body_places` bodies are read with a clock, and by so many
    threads at a time.
    """

    def __init__(self, application: WsgiApplication, body_places: BodyPlaces | None = None) -> None:
        self._application = application
        self._body_places = body_places

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serves a request."""

        def begin(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            return start_response(status, [*headers, SERVER], *failure)

        if request_heads.is_too_large(environ):
            return request_heads.refuse(environ, begin)
        if "HTTP_COOKIE" in environ and not all(part.strip() for part in environ["HTTP_COOKIE"].split(";")):
            environ[COOKIES_LOST] = True
        if self._body_places is not None and ("CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ):
            environ["wsgi.input"] = ClockedBody(environ["wsgi.input"], self._body_places, environ["REMOTE_ADDR"])
        answer: Iterable[bytes] = self._application(environ, begin)
        return answer
