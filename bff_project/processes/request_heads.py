"""Request heads that the gateway refuses: the HTTP server reads half as much again, so that a problem can say so."""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

#: Bytes of a request's line and headers; a larger head is answered 431 (RFC 6585, section 5).
HEAD_BYTES: Final = 16_384
#: What the HTTP server reads of a head; of a larger one it says so itself, by the status alone.
MOST_HEAD_BYTES: Final = HEAD_BYTES * 3 // 2
STATUS: Final = "431 Request Header Fields Too Large"
#: A header's colon, blank and line end, less the `HTTP_` before its name in the environment.
_BESIDE_HEADER: Final = len(": \r\n") - len("HTTP_")
_BESIDE_LINE: Final = len("  HTTP/1.1\r\n\r\n")


def is_too_large(environ: Mapping[str, Any]) -> bool:
    """Whether a request's line and headers are of more than `HEAD_BYTES`."""
    size = len(environ["REQUEST_METHOD"]) + len(environ["PATH_INFO"]) + len(environ["QUERY_STRING"]) + _BESIDE_LINE
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            size += len(name) + len(value) + _BESIDE_HEADER
    return size > HEAD_BYTES


def refuse(start_response: Any) -> Iterable[bytes]:
    """Answers 431 with a problem document, as the gateway itself says what is wrong."""
    request_id = secrets.token_hex(16)
    problem = {
        "title": "The headers are too large",
        "status": 431,
        "detail": f"Send headers of at most {HEAD_BYTES // 1024} kB together.",
        "code": "bad_user_input",
        "request_id": request_id,
        "type": "/docs/errors#bad_user_input",
    }
    body = json.dumps(problem).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Request-ID", request_id),
    ]
    start_response(STATUS, headers)
    return [body]
