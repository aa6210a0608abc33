"""A request to an upstream and its answer, as the clients see them."""

import re
import zlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

GZIP_WINDOW: Final = 31  # zlib's number for "a gzip header"
#: Content encodings that are none.
UNENCODED: Final = frozenset({"", "identity"})
#: A request's target: what a URL may hold (RFC 3986), nothing that would end the line.
TARGET_PATTERN: Final = re.compile(r"/[!-~]*\Z")
#: A header's name and value (RFC 9110, 5.1 and 5.5).
NAME_PATTERN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
VALUE_PATTERN: Final = re.compile(r"[\t -~\x80-\xff]*\Z")


class AnswerTooLargeError(ValueError):
    """The answer has more bytes, decoded, than the upstream may send."""


class UnknownEncodingError(ValueError):
    """The answer is encoded in a way that was not asked for."""


def _check(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (NAME_PATTERN.match(name) and VALUE_PATTERN.match(value)):
            raise ValueError("not a header")


class SharedHeaders:
    """Headers that several requests carry, checked and written as lines once. Raises ValueError as Outgoing does."""

    __slots__ = ("by_name", "lines")

    def __init__(self, by_name: Mapping[str, str]) -> None:
        _check(by_name)
        self.by_name: Final = dict(by_name)
        self.lines: Final = "".join(f"{name}: {value}\r\n" for name, value in by_name.items())


NOTHING_SHARED: Final = SharedHeaders({})


class UpstreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `target` is the encoded path with its query; `may_resend`: a read or a question that may go twice.

    `headers` are those of its own, `shared` those that others carry too. Raises ValueError when a header or the target
    would end its line.
    """

    service: str
    method: str
    target: str
    headers: Mapping[str, str]
    shared: SharedHeaders = NOTHING_SHARED
    body: bytes | None = None
    may_resend: bool = True

    def __post_init__(self) -> None:
        """Refuses what would end its line."""
        if not TARGET_PATTERN.match(self.target):
            raise ValueError("not a target")
        _check(self.headers)

    def __repr__(self) -> str:
        return f"Outgoing(service={self.service!r}, method={self.method!r}, target={self.target!r})"

    @property
    def all_headers(self) -> Mapping[str, str]:
        """Its headers and those that it shares."""
        return {**self.shared.by_name, **self.headers}

    @property
    def headers_to_send(self) -> Mapping[str, str]:
        """All headers, with the body's length where a reader would expect one."""
        if not self._has_length:
            return self.all_headers
        return {**self.all_headers, "Content-Length": str(len(self.body or b""))}

    @property
    def lines_to_send(self) -> str:
        """The same as the lines of a request's head."""
        lines = self.shared.lines
        for name, value in self.headers.items():
            lines += f"{name}: {value}\r\n"
        return f"{lines}Content-Length: {len(self.body or b'')}\r\n" if self._has_length else lines

    @property
    def _has_length(self) -> bool:
        return self.body is not None or self.method != "GET"


class UpstreamResponse(msgspec.Struct, frozen=True):
    """One answer; header names in lower case; the body decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"


def decoded(body: bytes, encoding: str | None, *, max_bytes: int) -> bytes:
    """The body without its content encoding, in bounded memory.

    Raises AnswerTooLargeError past `max_bytes`, UnknownEncodingError, zlib.error for a broken one.
    """
    if len(body) > max_bytes:
        raise AnswerTooLargeError
    if encoding is None or not body:
        return body
    if encoding.strip().lower() in UNENCODED:
        return body
    inflater = inflater_of(encoding)
    inflated: bytes = inflater.decompress(body, max_bytes + 1)
    if len(inflated) > max_bytes:
        raise AnswerTooLargeError
    if not inflater.eof or inflater.unused_data:
        raise zlib.error("truncated")
    return inflated


def inflater_of(encoding: str) -> Any:
    """zlib's object that unpacks a content encoding. Raises UnknownEncodingError."""
    if encoding.strip().lower() not in {"gzip", "x-gzip"}:
        raise UnknownEncodingError
    return zlib.decompressobj(GZIP_WINDOW)
