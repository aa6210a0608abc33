"""A request to an upstream and its answer, as the lanes see them."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

GZIP_WINDOW: Final = 31  # zlib's number for "a gzip header"
#: A request's target: what a URL may hold (RFC 3986), nothing that would end the line.
TARGET_PATTERN: Final = re.compile(r"/[!-~]*\Z")
#: A header's name and value (RFC 9110, 5.1 and 5.5).
NAME_PATTERN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
VALUE_PATTERN: Final = re.compile(r"[\t -~\x80-\xff]*\Z")


class AnswerTooLargeError(ValueError):
    """The answer has more bytes, decoded, than the upstream may send."""


class UnknownEncodingError(ValueError):
    """The answer is encoded in a way that was not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request. `target` is the encoded path with its query; `may_resend`: a read or a question that may go twice.

    Raises ValueError when a header or the target would end its line.
    """

    service: str
    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    may_resend: bool = True

    def __post_init__(self) -> None:
        if not TARGET_PATTERN.match(self.target):
            raise ValueError("not a target")
        for name, value in self.headers.items():
            if not (NAME_PATTERN.match(name) and VALUE_PATTERN.match(value)):
                raise ValueError("not a header")

    @property
    def headers_to_send(self) -> Mapping[str, str]:
        """The headers, with the body's length where a reader would expect one."""
        if self.body is None and self.method == "GET":
            return self.headers
        return {**self.headers, "Content-Length": str(len(self.body or b""))}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names in lower case; the body decoded."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def decoded(body: bytes, encoding: str | None, *, max_bytes: int) -> bytes:
    """The body without its content encoding, in bounded memory.

    Raises AnswerTooLargeError past `max_bytes`, UnknownEncodingError, zlib.error for a broken one.
    """
    if len(body) > max_bytes:
        raise AnswerTooLargeError
    name = (encoding or "identity").strip().lower()
    if name in {"", "identity"} or not body:
        return body
    if name not in {"gzip", "x-gzip"}:
        raise UnknownEncodingError
    inflater = zlib.decompressobj(GZIP_WINDOW)
    inflated = inflater.decompress(body, max_bytes + 1)
    if len(inflated) > max_bytes:
        raise AnswerTooLargeError
    if not inflater.eof or inflater.unused_data:
        raise zlib.error("truncated")
    return inflated
