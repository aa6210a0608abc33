"""How much those see who are several things at once."""

from dataclasses import dataclass

import pytest

from gateway_clients.edge.access.resources import EVERYTHING, RULES, Resource, Role, Scope, scope_of
from gateway_clients.edge.errors import AccessDeniedError


@dataclass(frozen=True)
class FakeCaller:
    roles: frozenset[str]
    pk: int = 1
    member_id: str | None = "m-1"
    provider_id: str | None = "p-1"


BOTH = FakeCaller(frozenset({Role.MEMBER, Role.PROVIDER}))
OWN, THEIRS = Scope(member_id="m-1"), Scope(provider_id="p-1")


@pytest.mark.parametrize(
    ("resource", "member_id", "provider_id", "scope"),
    [
        (Resource.CLAIM_LIST, None, "p-1", THEIRS),
        (Resource.CLAIM_LIST, "m-1", None, OWN),
        (Resource.CLAIM_LIST, None, None, THEIRS),
        (Resource.CLAIM_LIST, "m-9", None, THEIRS),
        (Resource.CLAIM_LIST, None, "p-9", OWN),
        (Resource.CLAIM_LIST, "m-1", "p-9", OWN),
        (Resource.CLAIM_LIST, "m-9", "p-1", THEIRS),
        (Resource.MEMBER_CLAIMS, "m-1", None, OWN),
        (Resource.MEMBER_CLAIMS, "m-9", None, THEIRS),
        (Resource.CLAIM_DOCUMENTS, "m-1", None, OWN),
        (Resource.CLAIM_CHANGES, "m-1", None, OWN),
        (Resource.ELIGIBILITY, "m-1", "p-9", OWN),
        (Resource.ELIGIBILITY, "m-9", "p-1", THEIRS),
    ],
)
def test_of_two_roles_the_one_holds_that_shows_more_of_what_is_asked_for(
    resource: Resource, member_id: str | None, provider_id: str | None, scope: Scope
) -> None:
    assert scope_of(BOTH, resource, member_id=member_id, provider_id=provider_id) == scope


@pytest.mark.parametrize("resource", RULES)
def test_an_admin_who_is_something_else_too_sees_everything(resource: Resource) -> None:
    admin = FakeCaller(frozenset(Role))

    assert scope_of(admin, resource, member_id="m-1", provider_id="p-1") == EVERYTHING


def test_two_roles_see_nothing_that_neither_does() -> None:
    with pytest.raises(AccessDeniedError):
        scope_of(BOTH, Resource.CLAIM_LIST, member_id="m-9", provider_id="p-9")
