"""How the OpenAPI document tells of answers: the headers of each, 304, and what `sections` leaves out."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Node = dict[str, Any]

_TEXT: Final = {"type": "string", "maxLength": 2_000, "pattern": "^[ -~]*$"}
_SECONDS: Final = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86_400}
#: Every header that an answer may carry, as a component.
HEADERS: Final[Mapping[str, Node]] = {
    "X-Request-ID": {"description": "The request's name; give it to staff with a question.", "schema": _TEXT},
    "Access-Control-Allow-Origin": {
        "description": "The page's origin, where it is one of those that the operator has listed.",
        "schema": _TEXT,
    },
    "RateLimit-Policy": {
        "description": "The limit: `q` requests in `w` seconds.",
        "schema": _TEXT,
        "example": '"default";q=100;w=900',
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests, until the window ends in `t` seconds.",
        "schema": _TEXT,
        "example": '"default";r=97;t=821',
    },
    "Retry-After": {"description": "Seconds after which it is worth trying again.", "schema": _SECONDS},
    "WWW-Authenticate": {"description": "`Bearer`: an access token is wanted.", "schema": _TEXT},
    "Location": {"description": "The address of what was made, or of where to look.", "schema": _TEXT},
    "Idempotency-Replayed": {
        "description": "`true` where the first result of the key is told again.",
        "schema": {"type": "string", "const": "true"},
    },
    "ETag": {
        "description": "Changes when the answer does, whatever its age; send it as `If-None-Match`.",
        "schema": _TEXT,
    },
    "Cache-Status": {
        "description": "What the gateway's cache had to do with it (RFC 9211).",
        "schema": _TEXT,
        "example": "web-bff; hit; ttl=283",
    },
    "Server-Timing": {"description": "The services that were asked, and how long each took.", "schema": _TEXT},
    "Age": {"description": "Seconds since the service was asked, where the answer was kept.", "schema": _SECONDS},
    "Deprecation": {
        "description": "Since when the operation is deprecated: `@` and seconds since 1970 (RFC 9745).",
        "schema": _TEXT,
        "example": "@1798761600",
    },
    "Sunset": {
        "description": "From when on the operation may be gone (RFC 8594).",
        "schema": _TEXT,
        "example": "Thu, 01 Jul 2027 00:00:00 GMT",
    },
    "Link": {"description": "The page that says how something goes.", "schema": _TEXT},
    "Content-Disposition": {"description": "`attachment`, with the document's name.", "schema": _TEXT},
}
#: Of the statuses of errors, the headers that are theirs.
OF_STATUS: Final[Mapping[str, tuple[str, ...]]] = {
    "401": ("WWW-Authenticate",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
#: Those of a deprecated operation.
GOING: Final = ("Deprecation", "Sunset", "Link")
READ: Final = ("ETag", "Cache-Status", "Server-Timing")
#: A header whose value is passed over when it is not understood.
ANY_HEADER: Final[Node] = {"type": "string"}
#: Header parameters of reads.
CONDITIONS: Final[tuple[Node, ...]] = (
    {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of the answer that you hold: an unchanged one is 304.",
        "schema": ANY_HEADER,
    },
    {
        "name": "Accept-Language",
        "in": "header",
        "description": "`id` for amounts as they are written in Indonesian; English otherwise.",
        "schema": ANY_HEADER,
        "example": "id",
    },
)
#: What narrows a view to some of its sections, and how the schema of such a part is called.
SECTIONS: Final = "sections"
PART: Final = "Part"
META: Final = "meta"
#: Where an operation keeps the headers that it alone has, by status, until they stand in the document.
OWN_HEADERS: Final = "x-headers"
#: Answers that are told in a word.
DONE: Final = {"200": "The answer", "201": "Made", "202": "Taken", "204": "Done"}
#: Outside the rate limit.
EVENTS: Final = "/api/v1/events"


def describe_responses(result: Node, **_given: Any) -> Node:
    """A hook of drf-spectacular: the headers and 304 of each operation, and the parts of views that can be narrowed."""
    components = result["components"]
    is_any_going = any(operation.get("deprecated") for _, _, operation in _operations(result))
    components["headers"] = {name: told for name, told in HEADERS.items() if is_any_going or name not in GOING}
    for path, method, operation in _operations(result):
        own = operation.pop(OWN_HEADERS, {})
        if method == "get":
            _describe_read(operation)
        for status, response in operation["responses"].items():
            response["headers"] = {
                name: {"$ref": f"#/components/headers/{name}"}
                for name in (*_headers_of(path, operation, status), *own.get(status, ()))
            }
            response["description"] = response.get("description") or DONE[status]
        if any(each.get("name") == SECTIONS for each in operation.get("parameters", ())):
            _tell_parts(operation, components["schemas"])
    return result


def _operations(result: Node) -> Iterator[tuple[str, str, Node]]:
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _describe_read(operation: Node) -> None:
    shown = operation["responses"]["200"].get("content", {})
    if "application/json" not in shown:
        return
    responses = operation["responses"]
    responses["304"] = {"description": "Unchanged since the answer whose `ETag` was sent; it has no body"}
    operation["responses"] = dict(sorted(responses.items()))
    operation.setdefault("parameters", []).extend(CONDITIONS)


def _headers_of(path: str, operation: Node, status: str) -> list[str]:
    names = ["X-Request-ID", "Access-Control-Allow-Origin"]
    if path != EVENTS:
        names += ["RateLimit-Policy", "RateLimit"]
    names += OF_STATUS.get(status, ())
    names += GOING if operation.get("deprecated") else ()
    is_read = "304" in operation["responses"]
    if is_read and status in {"200", "304"}:
        names += READ
    return names


def _tell_parts(operation: Node, schemas: Node) -> None:
    """The whole view, whose sections are all required, or some of its sections, where the request has named them."""
    content = operation["responses"]["200"]["content"]["application/json"]
    reference = content["schema"]["$ref"]
    name = reference.rpartition("/")[2]
    whole = schemas[name]
    part = f"{name}{PART}"
    if part not in schemas:
        schemas[part] = {
            **whole,
            "title": part,
            "description": f"Some sections of a {name}: those that `sections` has named.",
            "required": [META],
        }
        schemas[name] = {**whole, "required": list(whole["properties"])}
    content["schema"] = {"anyOf": [{"$ref": reference}, {"$ref": f"{reference}{PART}"}]}
