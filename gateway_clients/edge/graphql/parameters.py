"""The parameters of a GraphQL request over HTTP, parsed strictly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from gateway_clients.edge.errors import BadUserInputError, TooLargeError, UnsupportedMediaTypeError
from gateway_clients.edge.graphql.errors import JSON_TYPE, RequestRefusedError
from gateway_clients.edge.graphql.guards import MAX_BYTES
from gateway_clients.edge.input.parsers import json_body, json_object


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters of a request. If `query` is None, `extensions` has the hash of a
    document.
    """

    query: str | None
    variables: Mapping[str, Any]
    operation_name: str | None
    extensions: Mapping[str, Any]


def parameters_of(request: HttpRequest) -> Parameters:
    """The parameters of a GET or a POST.

    Raises RequestRefusedError (400) for parameters of the wrong kind, TooLargeError for
    more than 64 kB and UnsupportedMediaTypeError for a POST that is not JSON in UTF-8.
    """
    given = _of_body(request) if request.method == "POST" else _of_query(request)
    query, operation_name = given.get("query"), given.get("operationName")
    for name, value in (("query", query), ("operationName", operation_name)):
        if value is not None and not isinstance(value, str):
            raise refused(f"The parameter {name} must be a string.")
    return Parameters(
        query=query,
        variables=_map_of(given, "variables"),
        operation_name=operation_name or None,
        extensions=_map_of(given, "extensions"),
    )


def refused(message: str) -> RequestRefusedError:
    """A refusal that is HTTP 400 whatever the media type of the answer."""
    return RequestRefusedError([message], is_transport=True)


def _of_query(request: HttpRequest) -> dict[str, Any]:
    if len(request.META.get("QUERY_STRING", "")) > MAX_BYTES:
        raise TooLargeError
    given: dict[str, Any] = {name: request.GET.get(name) for name in ("query", "operationName")}
    for name in ("variables", "extensions"):
        text = request.GET.get(name)
        if text and text != "null":
            given[name] = _json_of(text, name)
    return given


def _json_of(text: str, name: str) -> dict[str, Any]:
    try:
        return json_object(text.encode())
    except (BadUserInputError, UnicodeEncodeError):
        raise refused(f"The parameter {name} must be a JSON object.") from None


def _of_body(request: HttpRequest) -> dict[str, Any]:
    content_type, charset = request.content_type, (request.content_params or {}).get("charset", "utf-8")
    if content_type != JSON_TYPE or charset.lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaTypeError("The body must be application/json in UTF-8")
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isascii() and declared.isdigit() and int(declared[:18]) > MAX_BYTES:
        raise TooLargeError
    try:
        return json_body(request)
    except BadUserInputError as error:
        raise refused(error.detail) from None


def _map_of(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise refused(f"The parameter {name} must be a map.")
    return value or {}
