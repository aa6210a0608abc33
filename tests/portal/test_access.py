"""Who may ask which address: role × address × own, foreign, absent; on a refusal nobody was called."""

import pytest
from django.urls import URLPattern, get_resolver

from tests.portal.address import Address
from tests.portal.addresses import ADDRESSES, ELSEWHERE
from tests.portal.conftest import ACCOUNTS
from tests.upstream_answers import NOTIFICATION

NOBODYS_ID = "nobodys"


def with_nobodys_id(address: Address) -> str:
    return address.path.replace("m-1", NOBODYS_ID).replace("p-1", NOBODYS_ID)


def foreign(who: str) -> list[tuple[str, Address]]:
    """The addresses whose ids alone tell that they are none of theirs."""
    return [
        (who, each)
        for each in ADDRESSES
        if with_nobodys_id(each) != each.path
        and "other " + who not in each.allowed
        and not (who == "provider" and each.apart is not None)
    ]


@pytest.fixture
def upstreams(upstreams):
    upstreams.answers["listNotifications"] = {"items": [{**NOTIFICATION, "member_id": None}]}
    return upstreams


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
@pytest.mark.parametrize("who", ACCOUNTS)
def test_each_address_answers_those_of_the_table_and_refuses_the_others(
    address: Address, who: str, as_, upstreams
) -> None:
    answer = address.asked_by(as_(who))

    if who in address.allowed:
        assert answer.status_code == address.status
        assert upstreams.asked
    elif who == "other provider" and address.apart is not None:
        assert answer.status_code == address.apart
        assert len(upstreams.asked) == (2 if "documents/d-1" in address.path else 1)
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert upstreams.asked == []


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_without_a_token_nobody_is_called(address: Address, as_, upstreams) -> None:
    answer = address.asked_by(as_(None))

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert upstreams.asked == []


@pytest.mark.parametrize(("who", "address"), [*foreign("member"), *foreign("provider")], ids=str)
def test_an_address_of_somebody_who_is_not_there_is_refused_like_a_foreign_one(
    who: str, address: Address, as_, upstreams
) -> None:
    answer = address.asked_by(as_(who), with_nobodys_id(address))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert upstreams.asked == []


@pytest.mark.parametrize("address", [each for each in ADDRESSES if each.decides], ids=str)
def test_what_does_not_exist_is_not_found(address: Address, as_, upstreams) -> None:
    upstreams.answers[address.decides] = 404

    answer = address.asked_by(as_("admin"))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    ["claims?member_id=m-2", "claims/m-2", "claims/m-2/clm-1", "dashboard/m-2", "members/m-2/documents/d-1/content"],
)
def test_another_members_address_is_refused_before_anybody_is_called(path: str, as_, upstreams) -> None:
    assert as_("member").get(f"/api/v1/{path}").status_code == 403
    assert upstreams.asked == []


@pytest.mark.parametrize("path", ["claims?provider_id=p-2", "providers/p-2/dashboard"])
def test_another_providers_address_is_refused_before_anybody_is_called(path: str, as_, upstreams) -> None:
    assert as_("provider").get(f"/api/v1/{path}").status_code == 403
    assert upstreams.asked == []


@pytest.mark.parametrize(
    ("who", "asked"),
    [("member", "member_id=m-1"), ("provider", "provider_id=p-1"), ("admin", "")],
)
def test_a_list_of_claims_is_over_what_the_caller_may_see(who: str, asked: str, as_, upstreams) -> None:
    assert as_(who).get("/api/v1/claims").status_code == 200
    assert upstreams.targets == [f"/claims?{asked}{'&' if asked else ''}limit=20&offset=0"]


def test_every_address_of_the_api_is_in_the_table() -> None:
    def operations(patterns, prefix=""):
        for pattern in patterns:
            where = prefix + str(pattern.pattern)
            if not isinstance(pattern, URLPattern):
                yield from operations(pattern.url_patterns, where)
            else:
                yield from ((method, where) for method in getattr(pattern.callback, "actions", {}))

    known = {(each.method, f"api/v1/{each.pattern}") for each in ADDRESSES}
    known |= {(method, f"api/v1/{pattern}") for method, pattern in ELSEWHERE}

    assert {each for each in operations(get_resolver().url_patterns) if each[0] != "head"} == known


@pytest.mark.parametrize(
    ("asked", "target"),
    [("?provider_id=p-1", "provider_id=p-1"), ("?member_id=m-1", "member_id=m-1"), ("", "provider_id=p-1")],
)
def test_who_is_a_member_and_a_provider_gets_the_whole_list_that_is_asked_for(
    asked: str, target: str, signed_in, upstreams
) -> None:
    answer = signed_in(member_id="m-1", provider_id="p-1").get(f"/api/v1/claims{asked}")

    assert answer.status_code == 200
    assert upstreams.targets == [f"/claims?{target}&limit=20&offset=0"]
