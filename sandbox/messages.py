"""What passes between the wire and the services: requests, the questions made of them, and answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

Row = dict[str, Any]
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as it came in. Header names are in lower case; `path` and `query` are still encoded."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The file of a multipart request."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request that keeps the contract: typed parameters (path and query together), the body, the file."""

    operation: str
    parameters: Mapping[str, Any]
    body: Row = field(default_factory=dict)
    file: UploadedFile | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `document` is what `body` was encoded from, for the contract's check; None where it isn't JSON.

    `padding_bytes` spaces follow the body; they are made while they are sent.
    """

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    document: Any = None
    padding_bytes: int = 0


class ProblemError(Exception):
    """A refusal, answered as problem+json."""

    def __init__(self, status: int, detail: str, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def answer(self) -> Answer:
        """What the caller gets."""
        return problem(self.status, self.detail, headers=self.headers)


TITLES: Final = {
    400: "Bad request",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}


def problem(status: int, detail: str, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An error, as RFC 9457 has it."""
    document = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    return Answer(status, msgspec.json.encode(document), PROBLEM, headers, document)


def json_answer(document: Any, status: int = 200) -> Answer:
    """An answer in JSON, encoded at once: later changes to the rows do not reach it."""
    return Answer(status, msgspec.json.encode(document), JSON, (), document)


def page_answer(rows: list[Row], question: Question) -> Answer:
    """The asked page of rows that are in their order already, with the count of all."""
    offset, limit = question.parameters["offset"], question.parameters["limit"]
    return json_answer({"items": rows[offset : offset + limit], "total": len(rows)})
