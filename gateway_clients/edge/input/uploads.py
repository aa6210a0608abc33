"""Files that portals send (`multipart/form-data`), read as they come: never more in memory than a piece of one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import multipart
from django.conf import settings
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from gateway_clients.edge.errors import BadUserInputError, TooLargeError, UnsupportedMediaTypeError
from gateway_clients.edge.input.files import BEGINNING_BYTES, KINDS, kind_of, safe_name

FORM_TYPE: Final = "multipart/form-data"
FILE: Final = "file"
PIECE_BYTES: Final = 65_536
FIELD_MAX_BYTES: Final = 1_024
#: What a form may have beside its file: boundaries, heads, short fields.
FORM_MAX_BYTES: Final = 65_536
#: A form no larger than this is read whole, so that its fields may stand behind its file.
SMALL_BYTES: Final = 262_144


@dataclass(slots=True)
class UploadedForm:
    """A form with one file: the fields that stand before it, the file's safe name and content type, its bytes once."""

    fields: dict[str, str]
    name: str
    content_type: str
    pieces: Iterator[bytes] = field(repr=False)


def uploaded_form(request: HttpRequest, *, fields: frozenset[str]) -> UploadedForm:
    """Reads a form up to the first bytes of its file.

    Raises UnsupportedMediaTypeError for another kind of body or of file, TooLargeError, BadUserInputError. So do the
    pieces, when what follows is not as it should be; the file is no good then.
    """
    return _Form(request, fields).opened()


class _Form:
    def __init__(self, request: HttpRequest, names: frozenset[str]) -> None:
        content_type, options = multipart.parse_options_header(request.META.get("CONTENT_TYPE", ""))
        if content_type != FORM_TYPE:
            raise UnsupportedMediaTypeError(f"The body must be {FORM_TYPE}")
        declared = request.META.get("CONTENT_LENGTH") or ""
        is_chunked = not declared and bool(request.META.get("HTTP_TRANSFER_ENCODING"))
        if not (is_chunked or (declared.isascii() and declared.isdigit())) or "boundary" not in options:
            raise BadUserInputError("The body must be a form with a boundary, of a length or in chunks")
        length = -1 if is_chunked else int(declared[:19])
        if length > settings.UPLOAD_MAX_BYTES + FORM_MAX_BYTES:
            raise TooLargeError
        self._request = request
        self._names = names
        self._is_small = 0 <= length <= SMALL_BYTES
        try:
            self._parser = multipart.PushMultipartParser(
                options["boundary"], content_length=length, max_segment_count=len(names) + 1
            )
        except multipart.MultipartError:
            raise BadUserInputError("The boundary of the form is malformed") from None
        self._events = self._parsed()
        self._fields: dict[str, str] = {}

    def opened(self) -> UploadedForm:
        part = self._next_part()
        if part is None:
            raise BadUserInputError(errors={FILE: ["This field is required."]})
        first = b""
        contents = self._bytes()
        for piece in contents:
            first += piece
            if len(first) >= BEGINNING_BYTES:
                break
        content_type = kind_of((part.content_type or "").lower(), first)
        if content_type is None:
            raise UnsupportedMediaTypeError(f"The file must be one of: {', '.join(KINDS)}")
        pieces = self._all(first, contents)
        if self._is_small:
            pieces = iter(list(pieces))
        return UploadedForm(self._fields, safe_name(part.filename or "", content_type), content_type, pieces)

    def _all(self, first: bytes, contents: Iterator[bytes]) -> Iterator[bytes]:
        """The file's bytes; then what stands behind it must be as it should."""
        size = 0
        for piece in chain((first,), contents):
            size += len(piece)
            if size > settings.UPLOAD_MAX_BYTES:
                raise TooLargeError
            yield piece
        early = set(self._fields)
        if self._next_part() is not None:
            raise BadUserInputError(errors={FILE: ["Must be given once."]})
        if not self._is_small and (late := set(self._fields) - early):
            raise BadUserInputError(errors={name: ["Must stand before the file."] for name in late})

    def _next_part(self) -> multipart.MultipartSegment | None:
        """Reads fields up to the file, or to the end."""
        for event in self._events:
            if not isinstance(event, multipart.MultipartSegment):
                continue
            name = event.name or ""
            if name == FILE:
                return event
            if name not in self._names:
                raise BadUserInputError(errors={name[:64] or "form": ["Unknown field."]})
            if name in self._fields:
                raise BadUserInputError(errors={name: ["Must be given once."]})
            self._fields[name] = self._text(name)
        return None

    def _text(self, name: str) -> str:
        value = b""
        for piece in self._bytes():
            value += piece
            if len(value) > FIELD_MAX_BYTES:
                raise BadUserInputError(errors={name: ["Is too long."]})
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise BadUserInputError(errors={name: ["Must be UTF-8."]}) from None

    def _bytes(self) -> Iterator[bytes]:
        """The bytes of the part that has just begun."""
        for event in self._events:
            if event is None:
                return
            yield bytes(event)

    def _parsed(self) -> Iterator[multipart.MultipartSegment | bytes | None]:
        try:
            while not self._parser.closed:
                yield from self._parser.parse(self._read())
        except multipart.ParserLimitReached:
            raise BadUserInputError("The form has too many or too large heads or fields") from None
        except multipart.MultipartError:
            raise BadUserInputError("The form is malformed or ended early") from None

    def _read(self) -> bytes:
        try:
            piece: bytes = self._request.read(PIECE_BYTES)
        except (UnreadablePostError, OSError):
            raise BadUserInputError("The body ended early") from None
        return piece
