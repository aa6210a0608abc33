"""GraphQL errors: each has a code in capitals and the id of the request, and never the
text of an internal exception.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from graphql import FieldNode, GraphQLError, SourceLocation, get_location

from gateway_clients.edge.errors import ApiError, BadUserInputError, FieldErrors
from gateway_clients.edge.graphql.type_registry import camel
from gateway_clients.edge.input.request_context import context_of
from gateway_clients.edge.output.foreign_errors import known_error
from gateway_clients.edge.output.problems import detail_of, retry_after
from gateway_clients.errors import GatewayError

GRAPHQL_TYPE: Final = "application/graphql-response+json"
JSON_TYPE: Final = "application/json"
#: How the last sentence of a message begins that suggests names.
SUGGESTION: Final = "Did you mean"
log = structlog.get_logger(__name__)

#: How many errors of one document, or of its variables, are told.
MAX_ERRORS: Final = 20

Path = tuple[str | int, ...]


class FieldRefusedError(Exception):
    """A root field is null for a reason with a stable code; `extensions` are added to
    its error.
    """

    def __init__(self, message: str, code: str, **extensions: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.extensions = extensions


@dataclass(frozen=True, slots=True)
class Failed:
    """Takes the place of a value that could not be had, and says why."""

    code: str
    message: str
    extensions: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: Exception) -> "Failed":
        """Translates an exception to what the portal reads. An unexpected exception is
        logged and masked.
        """
        if isinstance(error, GraphQLError):
            return cls(BadUserInputError.code, message_of(error))
        if isinstance(error, FieldRefusedError):
            return cls(error.code, error.message, error.extensions)
        known = known_error(error)
        if isinstance(known, GatewayError):
            return cls(known.code, detail_of(known))
        if type(known) is ApiError:
            log.error("graphql.field_failed", error=type(error).__name__, exc_info=error)
        return cls(known.code, known.detail, {"errors": _named(known.errors)} if known.errors else {})


class RequestRefusedError(Exception):
    """The request was not executed: its parameters, its document or its variables are
    wrong.

    `status` applies where the portal accepts `application/graphql-response+json`, and
    everywhere if `is_transport`; otherwise the status is 200, as GraphQL over HTTP asks
    for `application/json`.
    """

    def __init__(
        self,
        messages: Sequence[str | GraphQLError],
        *,
        code: str = BadUserInputError.code,
        status: int = 400,
        is_transport: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.errors = [each if isinstance(each, GraphQLError) else GraphQLError(each) for each in messages]
        self.code = code
        self.status = status
        self.is_transport = is_transport
        self.headers = headers or {}


def refusal(error: RequestRefusedError, request: HttpRequest, media_type: str) -> HttpResponse:
    """The HTTP response to a request that was not executed."""
    request_id = context_of(request).request_id
    shown = [
        _entry(message_of(each), error.code, request_id, locations=_plain(each.locations))
        for each in error.errors[:MAX_ERRORS]
    ]
    status = error.status if error.is_transport or media_type == GRAPHQL_TYPE else 200
    body = msgspec.json.encode({"errors": shown})
    return HttpResponse(body, status=status, content_type=media_type, headers=error.headers)


def refused_by_edge(error: Exception, request: HttpRequest, media_type: str = JSON_TYPE) -> HttpResponse:
    """A refusal of the edge, such as a bad token or too many requests, in GraphQL's
    form with its own status.
    """
    known = known_error(error)
    detail = detail_of(known) if isinstance(known, GatewayError) else known.detail
    headers = dict(known.headers) if isinstance(known, ApiError) else {}
    if known.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    seconds = retry_after(known)
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    body = msgspec.json.encode({"errors": [_entry(detail, known.code, context_of(request).request_id)]})
    return HttpResponse(body, status=known.status, content_type=media_type, headers=headers)


def field_error(failed: Failed, path: Path, node: FieldNode, request_id: str) -> dict[str, Any]:
    """The entry in `errors` of a field that is null."""
    locations = [] if node.loc is None else _plain([get_location(node.loc.source, node.loc.start)])
    entry = _entry(failed.message, failed.code, request_id, locations, path)
    entry["extensions"] |= failed.extensions
    return entry


def message_of(error: GraphQLError) -> str:
    """The message of graphql-core, without its suggestions of names where introspection
    is off.
    """
    if settings.GRAPHQL_INTROSPECTION:
        return error.message
    told, suggests, names = error.message.rpartition(SUGGESTION)
    return told.rstrip() if suggests and names.endswith("?") else error.message


def _entry(
    message: str,
    code: str,
    request_id: str,
    locations: Sequence[dict[str, int]] = (),
    path: Path = (),
) -> dict[str, Any]:
    entry: dict[str, Any] = {"message": message}
    if locations:
        entry["locations"] = locations
    if path:
        entry["path"] = path
    entry["extensions"] = {"code": code.upper(), "request_id": request_id}
    return entry


def _named(errors: FieldErrors) -> dict[str, list[str]]:
    """Messages by the GraphQL names of the arguments: `items.0.benefitCode`."""
    return {".".join(map(camel, name.split("."))): list(messages) for name, messages in errors.items()}


def _plain(locations: Sequence[SourceLocation] | None) -> list[dict[str, int]]:
    return [{"line": each.line, "column": each.column} for each in locations or ()]
