"""What the resolvers of root fields are given: who asks, of what, and the clients to find it with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from gateway_clients.edge.access import EVERYTHING, Caller, Scope, scope_of
from gateway_clients.edge.current_caller import caller_of
from gateway_clients.edge.errors import AccessDeniedError, BadUserInputError, UnauthenticatedError
from gateway_clients.edge.graphql.selection import SelectedField, Selection, Variables
from gateway_clients.edge.parameters import IS_NO_ID, is_id
from gateway_clients.edge.request_context import context_of
from gateway_clients.edge.rules import AccessRule, rule_of
from gateway_clients.edge.view_models import SectionMeta, ViewMeta, meta_of
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.section import Section


@dataclass(slots=True, kw_only=True)
class FieldRequest:
    """One root field of a request. Its resolver tells in `sections` how its parts came about, and may add `headers`.

    `arguments`: once it is known that they may be asked for.
    """

    request: HttpRequest
    selected: SelectedField
    variables: Variables
    scope: Scope = EVERYTHING
    arguments: dict[str, Any] | None = None
    sections: dict[str, SectionMeta] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def gateway(self) -> Gateway:
        """The typed clients of this request."""
        return context_of(self.request).gateway

    @property
    def caller(self) -> Caller:
        """Who is signed in. Raises UnauthenticatedError."""
        caller = caller_of(self.request)
        if caller is None:
            raise UnauthenticatedError
        return caller

    @property
    def selection(self) -> Selection:
        """What was asked of the object that the field shows; nothing of a field that shows a scalar."""
        return self.selected.child or Selection("", (), has_loads=False)

    def asked(self, *names: str) -> list[SelectedField]:
        """Those of these fields that were asked for, as often as they were."""
        return [each for each in self.selection if each.source.name in names]

    def note(self, sections: ViewMeta | Mapping[str, Section[Any]]) -> ViewMeta:
        """Says in the answer's `extensions.sections` how the parts came about; the `meta` that says the same."""
        meta = sections if isinstance(sections, ViewMeta) else meta_of(sections)
        self.sections.update(meta.sections)
        return meta


def resolve(field_request: FieldRequest) -> Any:
    """Calls the resolver of a root field, if those who ask may.

    Raises what the resolver does, GraphQLError for bad arguments, BadUserInputError for bad ids, and the access rules'.
    """
    assert field_request.selected.definition is not None
    resolver: Callable[..., Any] | None = field_request.selected.definition.resolve
    rule = rule_of(resolver)
    if resolver is None or rule is None:
        raise AccessDeniedError
    if field_request.arguments is None:
        field_request.arguments = _admitted(field_request, rule)
    return resolver(field_request, **field_request.arguments)


def _admitted(field_request: FieldRequest, rule: AccessRule) -> dict[str, Any]:
    """The arguments, when they may be asked for; a resolver that is run several times is let in once."""
    arguments = field_request.selected.arguments(field_request.variables)
    if not rule.is_open:
        caller = field_request.caller
        _check_ids(arguments)
        if rule.resource is not None:
            ids = {name: arguments.get(name) for name in ("member_id", "provider_id")}
            field_request.scope = scope_of(caller, rule.resource, **ids)
    return arguments


def _check_ids(arguments: Mapping[str, Any]) -> None:
    wrong = [
        name for name, value in arguments.items() if name.endswith("_id") and value is not None and not is_id(value)
    ]
    if wrong:
        raise BadUserInputError(errors={name: [IS_NO_ID] for name in wrong})
