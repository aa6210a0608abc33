"""Carries out an operation: its resolvers are run, then each root field's data is cut
to what was asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from graphql import FieldNode, GraphQLError

from gateway_clients.edge.access.current_caller import caller_of
from gateway_clients.edge.errors import ApiError, OverloadedError, RateLimitedError
from gateway_clients.edge.graphql.disclosure import record_fields
from gateway_clients.edge.graphql.errors import (
    Failed,
    Path,
    RequestRefusedError,
    field_error,
)
from gateway_clients.edge.graphql.operation import COST_HEADER, Operation
from gateway_clients.edge.graphql.projection import UnshowableError, complete
from gateway_clients.edge.graphql.resolution import Resolution
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.graphql.selection import SelectedField, Selection, Variables
from gateway_clients.edge.graphql.type_registry import camel
from gateway_clients.edge.input.request_context import context_of
from gateway_clients.edge.output.foreign_errors import known_error
from gateway_clients.edge.output.problems import retry_after
from gateway_clients.errors import GatewayError

#: Statuses that say that what was asked for is down or busy.
OUTAGES: Final = frozenset({503, 504})


@dataclass(slots=True)
class Answer:
    """The result of an operation. `limited` is set when the rate limit of a mutation,
    such as `login`, refused it.
    """

    data: dict[str, Any] | None = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    marks: list[Callable[[HttpResponse], None]] = field(default_factory=list)
    limited: RateLimitedError | OverloadedError | None = None
    outages: list[ApiError | GatewayError | None] = field(default_factory=list)

    @property
    def is_partial(self) -> bool:
        """Whether the answer has errors beside its data."""
        return bool(self.errors)

    @property
    def retry_after_seconds(self) -> int | None:
        """The value of `Retry-After`, if every root field failed because services are
        down or busy; else None.
        """
        waits = [_wait_seconds(outage) for outage in self.outages]
        return max(waits) if waits and all(waits) else None

    def note(self, key: str, info: ResolverInfo | None) -> None:
        """Adds the headers, the marks and the section states that the resolvers of a
        root field reported.
        """
        if info is None:
            return
        self.headers |= info.headers
        self.marks += info.marks
        if info.sections:
            self.sections[key] = {camel(name): section for name, section in info.sections.items()}

    @property
    def body(self) -> dict[str, Any]:
        """The body of the HTTP response."""
        body: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        body["data"] = self.data
        if self.sections:
            body["extensions"] = {"sections": self.sections}
        return body


def _wait_seconds(outage: ApiError | GatewayError | None) -> int:
    """How many seconds to wait before the next try; 0 if it is not an outage."""
    if outage is None or outage.status not in OUTAGES:
        return 0
    return retry_after(outage) or 1


def carry_out(operation: Operation, given_variables: Mapping[str, Any], request: HttpRequest) -> Answer:
    """Executes an operation. Raises RequestRefusedError for bad variables, and for an
    operation that costs too much.
    """
    variables = operation.variables(given_variables)
    try:
        selection, cost = operation.selection(variables)
    except GraphQLError as error:
        raise RequestRefusedError([error]) from None
    answer = Answer(headers={COST_HEADER: str(cost.values)})
    found = _known(operation, selection, given_variables) | _resolved(operation, selection, variables, request)
    request_id = context_of(request).request_id
    for chosen in selection:
        _show(found[chosen.key], chosen, answer, request_id)
    return answer


@dataclass(slots=True)
class _Found:
    """The data of a root field or the exception that it failed with, and its info.
    `is_shown`: the data needs no projection.
    """

    data: Any = None
    info: ResolverInfo | None = None
    is_shown: bool = False


def _resolved(
    operation: Operation, selection: Selection, variables: Variables, request: HttpRequest
) -> dict[str, _Found]:
    """Runs the resolvers of the root fields."""
    parent = operation.schema.get_root_type(operation.node.operation)
    assert parent is not None
    chosen = [each for each in selection if each.definition is not None and not each.is_introspection]
    if not chosen:
        return {}
    gateway = request.__dict__["gateway"] = context_of(request).gateway
    request.user = cast(Any, caller_of(request) or AnonymousUser())
    if not operation.is_mutation:
        gateway.merge_reads()
    infos = [
        ResolverInfo.of_root(
            each,
            parent=parent,
            schema=operation.schema,
            operation=operation.node,
            fragments=operation.fragments,
            variables=variables,
            request=request,
        )
        for each in chosen
    ]
    infos[0].is_alone = sum(each.definition is not None for each in selection) == 1
    ends = Resolution().run(infos)
    record_fields(request, zip(infos, ends, strict=True))
    return {info.selected.key: _Found(end, info) for info, end in zip(infos, ends, strict=True)}


def _show(found: _Found, chosen: SelectedField, answer: Answer, request_id: str) -> None:
    """Puts a root field into the answer. A failed field is null; if it is non-null, so
    is the whole data.
    """
    if answer.data is None:
        return

    def report(failed: Failed, path: Path, node: FieldNode) -> None:
        answer.errors.append(field_error(failed, path, node, request_id))

    answer.note(chosen.key, found.info)
    error = found.data if isinstance(found.data, Exception) else None
    if found.info is not None:
        answer.outages.append(known_error(error) if error is not None else found.info.outage)
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
    """The values of `__typename`, `__schema` and `__type`, which have no resolvers."""
    found = {chosen.key: _Found(selection.type_name, is_shown=True) for chosen in selection if not chosen.definition}
    asked = [chosen for chosen in selection if chosen.is_introspection]
    told = operation.introspect(asked, given_variables) if asked else {}
    return found | {chosen.key: _Found(told.get(chosen.key), is_shown=True) for chosen in asked}
