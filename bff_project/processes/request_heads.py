"""Request heads that the gateway refuses: the HTTP server reads half as much again, so that a problem can say so."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog

from gateway_clients.instrumentation.request_span import REQUEST_ID, new_id

#: Bytes of a request's line and headers; a larger head is answered 431 (RFC 6585, section 5).
HEAD_BYTES: Final = 16_384
STATUS: Final = "431 Request Header Fields Too Large"
#: A header's colon, blank and line end, less the `HTTP_` before its name in the environment.
_BESIDE_HEADER: Final = len(": \r\n") - len("HTTP_")
_BESIDE_LINE: Final = len("  HTTP/1.1\r\n\r\n")
log = structlog.get_logger(__name__)


def is_too_large(environ: Mapping[str, Any]) -> bool:
    """Whether a request's line and headers are of more than `HEAD_BYTES`; the path counts as it reads once unquoted."""
    size = len(environ["REQUEST_METHOD"]) + len(environ["PATH_INFO"]) + len(environ["QUERY_STRING"]) + _BESIDE_LINE
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            size += len(name) + len(value) + _BESIDE_HEADER
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if value := environ.get(name):
            size += len(name) + len(value) + len(": \r\n")
    return size > HEAD_BYTES


def refuse(environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers 431 with a problem document, as the gateway itself says what is wrong, and logs a line."""
    given_id = environ.get("HTTP_X_REQUEST_ID", "")
    request_id = given_id if REQUEST_ID.match(given_id) else new_id(128)
    log.warning("head.too_large", request_id=request_id)
    problem = {
        "title": "The address and the headers are too large",
        "status": 431,
        "detail": f"Send an address and headers of at most {HEAD_BYTES // 1024} kB together.",
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
