"""The rule of each view action: who may call it. An action without one is refused, and fails a test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from gateway_clients.edge.access.resources import EVERYTHING, Caller, Resource, Scope, scope_of
from gateway_clients.edge.input.parameters import id_of

F = TypeVar("F", bound=Callable[..., Any])

ATTRIBUTE: Final = "access_rule"


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Who may call an action. No resource: anybody, or (`is_open` false) anybody who is signed in.

    `query_ids` of `member_id` and `provider_id` are read from the query beside those of the path.
    """

    resource: Resource | None = None
    is_open: bool = False
    query_ids: tuple[str, ...] = ()

    def scope(self, caller: Caller, path_ids: dict[str, Any], query: Any) -> Scope:
        """How much the caller sees. Raises AccessDeniedError, and BadUserInputError for a bad id in the query."""
        if self.resource is None:
            return EVERYTHING
        ids = path_ids
        if self.query_ids:
            ids = {name: id_of(query, name) for name in self.query_ids} | path_ids
        return scope_of(caller, self.resource, member_id=ids.get("member_id"), provider_id=ids.get("provider_id"))


def allowed(resource: Resource, *, query_ids: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Those whom the access table lets at the resource; the ids are the path's, and those of the query named here."""
    return _marked(AccessRule(resource, query_ids=query_ids))


def signed_in(action: F) -> F:
    """Everybody who is signed in, whatever their roles."""
    return _marked(AccessRule())(action)


def open_to_all(action: F) -> F:
    """Everybody; no token is asked for, and none is looked at."""
    return _marked(AccessRule(is_open=True))(action)


def rule_of(action: object) -> AccessRule | None:
    """The rule an action was marked with."""
    rule = getattr(action, ATTRIBUTE, None)
    return rule if isinstance(rule, AccessRule) else None


def _marked(rule: AccessRule) -> Callable[[F], F]:
    def mark(action: F) -> F:
        setattr(action, ATTRIBUTE, rule)
        return action

    return mark
