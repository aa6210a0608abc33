"""Who asks, as the access rules see them: as the account is at the moment of the request."""

import itertools
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from gateway_clients.edge.errors import UnauthenticatedError
from gateway_clients.edge.input.request_headers import context_from
from members import token_families
from members.authentication import AccessTokenAuthentication
from members.caller import SignedInCaller
from members.models import Account
from members.tokens import AccessToken

pytestmark = pytest.mark.django_db


def _request(token: str) -> HttpRequest:
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
    request.__dict__["edge"] = context_from(request)
    return request


def _caller(token: str) -> SignedInCaller:
    found = AccessTokenAuthentication().authenticate(_request(token))
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("member_id", "provider_id", "is_admin"),
    list(itertools.product([None, "m-1"], [None, "p-1"], [False, True])),
)
def test_a_caller_is_what_the_account_is(member_id: Any, provider_id: Any, is_admin: bool) -> None:
    account = Account.objects.create_user(
        "a@example.com", "some-password", member_id=member_id, provider_id=provider_id, is_admin=is_admin
    )
    caller = _caller(token_families.begin(account).access)

    assert (caller.pk, caller.member_id, caller.provider_id) == (account.pk, member_id, provider_id)
    assert caller.roles == account.roles
    assert len(caller.roles) == sum([member_id is not None, provider_id is not None, is_admin])
    assert caller.is_authenticated


def test_what_an_account_may_changes_with_the_next_request() -> None:
    account = Account.objects.create_user("a@example.com", "some-password", member_id="m-1", is_admin=True)
    token = token_families.begin(account).access
    assert _caller(token).roles == {"member", "admin"}

    Account.objects.filter(pk=account.pk).update(is_admin=False, member_id="m-2")

    assert (_caller(token).roles, _caller(token).member_id) == ({"member"}, "m-2")


def test_a_token_whose_family_is_no_name_of_one_is_refused() -> None:
    token = AccessToken()
    token["sub"], token["sid"] = "1", "no-uuid"

    with pytest.raises(UnauthenticatedError):
        AccessTokenAuthentication().authenticate(_request(str(token)))
