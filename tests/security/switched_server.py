"""The HTTP server with an audit trail that a request may leave out, and that says how long its processor worked.

Its arguments are those of `bff_project.processes.http_server`.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from bff_project.processes import http_server

#: The value of this header of a request that leaves no row does not matter.
WITHOUT: Final = "X-Without-Trail"
#: Answers `[all, writer]`: processor seconds of the process, and of these what the thread that writes the rows needed.
COST: Final = "/cost"
#: The same, once all rows are written.
WRITTEN_COST: Final = "/cost/written"

Application = Callable[..., Iterable[bytes]]


class SwitchedApplication:
    """The gateway's application behind the switch."""

    def __init__(self, application: Application) -> None:
        from gateway_clients.edge.rest import recorded_answers

        self._application = application
        self._module = recorded_answers
        self._record = recorded_answers.record_shown
        self._flushing_seconds = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] in (COST, WRITTEN_COST):
            body = json.dumps(self._cost(is_flushed=environ["PATH_INFO"] == WRITTEN_COST)).encode()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
        is_without = "HTTP_" + WITHOUT.upper().replace("-", "_") in environ
        self._module.record_shown = (lambda *_: None) if is_without else self._record
        return self._application(environ, start_response)

    def _cost(self, *, is_flushed: bool) -> list[float]:
        from gateway_clients.audit.recorder import recorder

        if is_flushed:
            began = time.thread_time()
            recorder().flush()
            self._flushing_seconds += time.thread_time() - began
        writers = [thread.ident for thread in threading.enumerate() if thread.name == "audit"]
        clocks = [time.pthread_getcpuclockid(ident) for ident in writers if ident is not None]
        return [time.process_time(), sum(map(time.clock_gettime, clocks)) + self._flushing_seconds]


def load_application(*args: Any, **options: Any) -> Application:
    """The application of the HTTP server, behind the switch."""
    return SwitchedApplication(_load(*args, **options))


if __name__ == "__main__":
    _load, http_server.load_application = http_server.load_application, load_application
    http_server.main()
