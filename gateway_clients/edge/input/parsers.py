"""JSON bodies, read strictly: what is ambiguous or hostile is refused before anybody looks at it."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, Final

import msgspec
from django.conf import settings
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from rest_framework.parsers import BaseParser

from gateway_clients.edge.errors import BadUserInputError, TooLargeError, UnsupportedMediaTypeError

JSON_TYPE: Final = "application/json"
MAX_DIGITS: Final = 40
MAX_LEVELS: Final = 64


class StrictJSONParser(BaseParser):
    """JSON objects for DRF's `request.data`."""

    media_type = JSON_TYPE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object. Raises BadUserInputError and TooLargeError."""
        return json_object(_read(stream))


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that a request carries.

    Raises UnsupportedMediaTypeError for another kind of body, TooLargeError past `REQUEST_MAX_BYTES`, and
    BadUserInputError for what is no JSON object or could be read in two ways.
    """
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not declared.isascii() or not declared.isdigit():
        raise BadUserInputError("Content-Length must be a number")
    if int(declared[:18]) == 0:
        raise BadUserInputError("The body must be a JSON object")
    if request.content_type != JSON_TYPE:
        raise UnsupportedMediaTypeError("The body must be application/json")
    if len(declared) > 18 or int(declared) > settings.REQUEST_MAX_BYTES:
        raise TooLargeError
    return json_object(_body_of(request))


def whole_body(request: HttpRequest) -> bytes:
    """The body, whatever it is. Raises TooLargeError past `REQUEST_MAX_BYTES`, BadUserInputError when it ends early."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isascii() and declared.isdigit() and (len(declared) > 18 or int(declared) > settings.REQUEST_MAX_BYTES):
        raise TooLargeError
    return _read(request)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that these bytes are. Raises BadUserInputError."""
    try:
        value = _DECODER.decode(body.decode("utf-8"))
        if b"\\u" in body:
            msgspec.json.encode(value)  # refuses lone surrogates, which no upstream could be sent
    except BadUserInputError:
        raise
    except (ValueError, RecursionError):
        raise BadUserInputError("The body must be a JSON object") from None
    if not isinstance(value, dict):
        raise BadUserInputError("The body must be a JSON object")
    if body.count(b"{") + body.count(b"[") > MAX_LEVELS and _levels_exceed(value, MAX_LEVELS):
        raise BadUserInputError("The body is nested too deeply")
    return value


def _body_of(request: HttpRequest) -> bytes:
    """As Django keeps it, so that `request.data` and `request.body` have it as well."""
    try:
        return request.body
    except (UnreadablePostError, OSError):
        raise BadUserInputError("The body ended early") from None


def _read(stream: Any) -> bytes:
    try:
        body: bytes = stream.read(settings.REQUEST_MAX_BYTES + 1)
    except (UnreadablePostError, OSError):
        raise BadUserInputError("The body ended early") from None
    if len(body) > settings.REQUEST_MAX_BYTES:
        raise TooLargeError
    return body


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadUserInputError("A name stands twice in one JSON object")
    return value


def _no_constant(_text: str) -> float:
    raise BadUserInputError("NaN and Infinity are no JSON")


def _whole_number(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise BadUserInputError("A number is too long")
    return int(text)


def _finite_number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadUserInputError("A number is too large")
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_constant=_no_constant,
    parse_int=_whole_number,
    parse_float=_finite_number,
)


def _levels_exceed(value: object, levels: int) -> bool:
    below: list[object] = [value]
    for _ in range(levels):
        below = [
            child
            for parent in below
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not below:
            return False
    return True
