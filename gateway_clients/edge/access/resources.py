"""Who may see and do what: one table, checked before the cache is read and before anything is called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from gateway_clients.edge.errors import AccessDeniedError


class Role(StrEnum):
    """A role of an account."""

    MEMBER = "member"
    PROVIDER = "provider"
    ADMIN = "admin"


class Resource(StrEnum):
    """What access is decided for; the rows of the table."""

    MEMBER_DATA = "member_data"
    MEMBER_CLAIMS = "member_claims"
    CLAIM_DOCUMENTS = "claim_documents"
    ELIGIBILITY = "eligibility"
    CLAIM_SUBMISSION = "claim_submission"
    CLAIM_CHANGES = "claim_changes"
    PROVIDER_DATA = "provider_data"
    MEMBER_SEARCH = "member_search"
    ADMIN_OVERVIEW = "admin_overview"
    CLAIM_LIST = "claim_list"
    PROVIDER_SEARCH = "provider_search"


class Caller(Protocol):
    """What the rules see of an account; `pk` is its number, for who fetches the account itself."""

    @property
    def pk(self) -> Any: ...
    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def member_id(self) -> str | None: ...
    @property
    def provider_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of a resource the caller sees: all of it, or only what one member or one provider has part in."""

    member_id: str | None = None
    provider_id: str | None = None


EVERYTHING: Final = Scope()

#: member_id and provider_id as asked for → the caller's scope, or None: refused.
Rule = Callable[[Caller, str | None, str | None], Scope | None]


def _never(_caller: Caller, _member_id: str | None, _provider_id: str | None) -> Scope | None:
    return None


def _always(_caller: Caller, _member_id: str | None, _provider_id: str | None) -> Scope | None:
    return EVERYTHING


def _own_member(caller: Caller, member_id: str | None, _provider_id: str | None) -> Scope | None:
    is_own = caller.member_id is not None and member_id == caller.member_id
    return Scope(member_id=caller.member_id) if is_own else None


def _own_provider(caller: Caller, _member_id: str | None, provider_id: str | None) -> Scope | None:
    is_own = caller.provider_id is not None and provider_id == caller.provider_id
    return Scope(provider_id=caller.provider_id) if is_own else None


def _at_own_provider(caller: Caller, _member_id: str | None, provider_id: str | None) -> Scope | None:
    is_own = caller.provider_id is not None and provider_id in {None, caller.provider_id}
    return Scope(provider_id=caller.provider_id) if is_own else None


def _as_own_member(caller: Caller, member_id: str | None, _provider_id: str | None) -> Scope | None:
    is_own = caller.member_id is not None and member_id in {None, caller.member_id}
    return Scope(member_id=caller.member_id) if is_own else None


RULES: Final[Mapping[Resource, Mapping[Role, Rule]]] = {
    Resource.MEMBER_DATA: {Role.MEMBER: _own_member, Role.PROVIDER: _never, Role.ADMIN: _always},
    Resource.MEMBER_CLAIMS: {Role.MEMBER: _own_member, Role.PROVIDER: _at_own_provider, Role.ADMIN: _always},
    Resource.CLAIM_DOCUMENTS: {Role.MEMBER: _own_member, Role.PROVIDER: _at_own_provider, Role.ADMIN: _always},
    Resource.ELIGIBILITY: {Role.MEMBER: _own_member, Role.PROVIDER: _own_provider, Role.ADMIN: _always},
    Resource.CLAIM_SUBMISSION: {Role.MEMBER: _own_member, Role.PROVIDER: _own_provider, Role.ADMIN: _always},
    Resource.CLAIM_CHANGES: {Role.MEMBER: _own_member, Role.PROVIDER: _at_own_provider, Role.ADMIN: _always},
    Resource.PROVIDER_DATA: {Role.MEMBER: _never, Role.PROVIDER: _own_provider, Role.ADMIN: _always},
    Resource.MEMBER_SEARCH: {Role.MEMBER: _never, Role.PROVIDER: _never, Role.ADMIN: _always},
    Resource.ADMIN_OVERVIEW: {Role.MEMBER: _never, Role.PROVIDER: _never, Role.ADMIN: _always},
    Resource.CLAIM_LIST: {Role.MEMBER: _as_own_member, Role.PROVIDER: _at_own_provider, Role.ADMIN: _always},
    Resource.PROVIDER_SEARCH: {Role.MEMBER: _always, Role.PROVIDER: _always, Role.ADMIN: _always},
}


def scope_of(
    caller: Caller, resource: Resource, *, member_id: str | None = None, provider_id: str | None = None
) -> Scope:
    """How much of the resource the caller sees; the widest that any of their roles gives. Raises AccessDeniedError.

    Whose claims are asked for decides between a member's scope and a provider's; where nobody's are, a provider's is
    the wider.
    """
    roles = caller.roles
    scopes = [
        scope
        for role, rule in RULES[resource].items()
        if role in roles and (scope := rule(caller, member_id, provider_id)) is not None
    ]
    if not scopes:
        denied = AccessDeniedError()
        denied.member_id = member_id
        raise denied
    return EVERYTHING if EVERYTHING in scopes else min(scopes, key=lambda scope: _cut(scope, member_id, provider_id))


def _cut(scope: Scope, member_id: str | None, provider_id: str | None) -> tuple[int, bool]:
    """How many ids the scope adds to those that are asked for; of two that add as many a member's cuts off more."""
    added = (scope.member_id is not None and scope.member_id != member_id) + (
        scope.provider_id is not None and scope.provider_id != provider_id
    )
    return added, scope.member_id is not None
