"""Carries out an operation: all root fields' calls are started together, then each answer is cut to what was asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from graphql import FieldNode, GraphQLError

from gateway_clients.edge.errors import OverloadedError, RateLimitedError
from gateway_clients.edge.graphql.batch_loading import load_into
from gateway_clients.edge.graphql.documents import Operation
from gateway_clients.edge.graphql.errors import (
    Failed,
    Path,
    RequestRefusedError,
    field_error,
)
from gateway_clients.edge.graphql.field_request import FieldRequest, resolve
from gateway_clients.edge.graphql.projection import UnshowableError, complete, plain
from gateway_clients.edge.graphql.selection import SelectedField, Selection, Variables
from gateway_clients.edge.graphql.type_registry import camel
from gateway_clients.edge.request_context import context_of
from gateway_clients.pipeline.waves import together


@dataclass(slots=True)
class Answer:
    """What an operation came to. `limited` is set when a limit of its own refused it, such as those of sign-ins."""

    data: dict[str, Any] | None = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    limited: RateLimitedError | OverloadedError | None = None

    def note(self, key: str, field_request: FieldRequest | None) -> None:
        """Remembers what the resolver of a root field told."""
        if field_request is None:
            return
        self.headers |= field_request.headers
        if field_request.sections:
            self.sections[key] = {camel(name): section for name, section in field_request.sections.items()}

    @property
    def body(self) -> dict[str, Any]:
        """As GraphQL sends it."""
        body: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        body["data"] = self.data
        if self.sections:
            body["extensions"] = {"sections": self.sections}
        return body


def carry_out(operation: Operation, given_variables: Mapping[str, Any], request: HttpRequest) -> Answer:
    """The operation's answer. Raises RequestRefusedError for wrong variables, and for what would cost too much."""
    variables = operation.variables(given_variables)
    try:
        selection = operation.selection(variables)
    except GraphQLError as error:
        raise RequestRefusedError([error]) from None
    answer = Answer()
    found = _known(operation, selection, given_variables) | _resolved(selection, variables, request)
    request_id = context_of(request).request_id
    for chosen in selection:
        _show(found[chosen.key], chosen, answer, request_id)
    return answer


@dataclass(slots=True)
class _Found:
    """What a root field came to: its data or why there is none, and who asked for it. `is_shown`: as it stands."""

    data: Any = None
    field_request: FieldRequest | None = None
    is_shown: bool = False


def _resolved(selection: Selection, variables: Variables, request: HttpRequest) -> dict[str, _Found]:
    """What the resolvers found; the guards let one root mutation in, which is run once."""
    asks = [
        FieldRequest(request=request, selected=chosen, variables=variables)
        for chosen in selection
        if chosen.definition is not None and not chosen.is_introspection
    ]
    steps = [_step(field_request) for field_request in asks]
    ends = together(context_of(request).gateway, steps) if steps else []
    return {
        field_request.selected.key: _Found(end, field_request) for field_request, end in zip(asks, ends, strict=True)
    }


def _step(field_request: FieldRequest) -> Callable[[], Any]:
    def run() -> Any:
        data = plain(resolve(field_request))
        load_into(field_request, data)
        return data

    return run


def _show(found: _Found, chosen: SelectedField, answer: Answer, request_id: str) -> None:
    """Puts a root field into the answer. Without its data it is null, or the whole answer where it may not be null."""
    if answer.data is None:
        return

    def report(failed: Failed, path: Path, node: FieldNode) -> None:
        answer.errors.append(field_error(failed, path, node, request_id))

    answer.note(chosen.key, found.field_request)
    error = found.data if isinstance(found.data, Exception) else None
    try:
        shown = found.data if found.is_shown or error else complete(found.data, chosen, (chosen.key,), report)
    except Exception as unshowable:  # noqa: BLE001 - one field's data, whatever is wrong with it, is not another's
        error = unshowable
    if error is None:
        answer.data[chosen.key] = shown
        return
    if not isinstance(error, UnshowableError):
        report(Failed.of(error), (chosen.key,), chosen.node)
    answer.limited = error if isinstance(error, RateLimitedError | OverloadedError) else answer.limited
    answer.data[chosen.key] = None
    answer.data = None if chosen.is_required else answer.data


def _known(operation: Operation, selection: Selection, given_variables: Mapping[str, Any]) -> dict[str, _Found]:
    """What needs no resolver: `__typename`, `__schema` and `__type`."""
    found = {chosen.key: _Found(selection.type_name, is_shown=True) for chosen in selection if not chosen.definition}
    asked = [chosen for chosen in selection if chosen.is_introspection]
    told = operation.introspect(asked, given_variables) if asked else {}
    return found | {chosen.key: _Found(told.get(chosen.key), is_shown=True) for chosen in asked}
