"""The WSGI application for a server whose threads take the next request when they come back from one.

A thread parks (runtime/thread_gate.py) behind its answer: WSGI has the server call `close` once the answer is sent.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from bff_project.processes.bodies import BodyPlaces, ClockedBody
from gateway_clients.runtime.thread_gate import ThreadGate

WsgiApplication = Any
#: Says in the environment that granian has emptied a Cookie header: it does that to each with letters beyond ASCII,
#: and joins several of them by `;`.
COOKIES_LOST: Final = "gateway.cookies_lost"


class Answer(Protocol):
    """What Django gives the server."""

    headers: Any
    streaming: bool

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class ParkingApplication:
    """Tells the gate when a thread begins a request, and when it has answered it.

    With `body_places` bodies are read with a clock, and by so many threads at a time.
    """

    def __init__(self, application: WsgiApplication, gate: ThreadGate, body_places: BodyPlaces | None = None) -> None:
        self._application = application
        self._gate = gate
        self._body_places = body_places

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serves a request."""
        self._gate.begin()
        if "HTTP_COOKIE" in environ and not all(part.strip() for part in environ["HTTP_COOKIE"].split(";")):
            environ[COOKIES_LOST] = True
        if self._body_places is not None and ("CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ):
            environ["wsgi.input"] = ClockedBody(environ["wsgi.input"], self._body_places, environ["REMOTE_ADDR"])
        return _Answered(self._application(environ, start_response), self._gate)


class _Answered:
    """An answer on its way. A thread parks only behind one whose length tells its end; of others `close` is the end."""

    def __init__(self, answer: Answer, gate: ThreadGate) -> None:
        self._answer = answer
        self._gate = gate

    def __iter__(self) -> Iterator[bytes]:
        if not self._answer.streaming:
            return iter(self._answer)
        return self._streamed()

    def _streamed(self) -> Iterator[bytes]:
        with self._gate.blocked():
            yield from self._answer

    def close(self) -> None:
        """The server has sent all of it, or its client is gone."""
        try:
            self._answer.close()
        finally:
            self._gate.end(may_park=not self._answer.streaming and "Content-Length" in self._answer.headers)
