"""An operation that is asked again is answered as it was: the same values, from what is kept of it, without cutting."""

import re
from typing import Any

import pytest

from gateway_clients.conf import SERVICES
from gateway_clients.edge.graphql import rendition
from tests.upstream_answers import SUMMARY

DASHBOARD = 'memberDashboard(memberId: "m-1")'
PROFILE = 'memberProfile(memberId: "m-1")'
CLAIMS = "recentClaims { id status totalAmount serviceDate }"
BENEFITS = "benefitsSummary { totalLimit items { code usedAmount } }"
NAMES = f"{{ {DASHBOARD} {{ name {CLAIMS} }} }}"
CONTACT = """mutation($c: ContactInput!) { updateContact(memberId: "m-1", contact: $c) { id } }"""


def calls(sandbox: Any) -> int:
    return sum(sandbox.calls(service).total for service in SERVICES)


def shown(answer: dict[str, Any]) -> Any:
    """The data, in the order it was sent in."""
    assert "errors" not in answer
    return list(answer["data"]["memberDashboard"].items())


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fields of views that were cut to what was asked of them."""
    made: list[str] = []
    complete = rendition.complete

    def counted(value: Any, field: Any, *rest: Any) -> Any:
        made.append(field.key)
        return complete(value, field, *rest)

    monkeypatch.setattr(rendition, "complete", counted)
    return made


@pytest.mark.parametrize(
    "query",
    [
        f"{{ {DASHBOARD} {{ {BENEFITS} memberId name {CLAIMS} planName }} }}",
        f"{{ {DASHBOARD} {{ name memberSince {CLAIMS} {BENEFITS} notifications {{ id }} }} }}",
        f"{{ {DASHBOARD} {{ __typename who: name recentClaims {{ __typename number: id }} }} }}",
        f"{{ {DASHBOARD} {{ ...a {CLAIMS} }} }} fragment a on MemberDashboard {{ name recentClaims {{ memberId }} }}",
        f"{{ {DASHBOARD} {{ name {CLAIMS} meta {{ complete sections {{ name state }} }} }} }}",
    ],
)  # fmt: skip
def test_an_operation_that_is_asked_again_is_shown_as_it_was(query: str, ask, sandbox, cuts: list[str]) -> None:
    first = ask("member", query)
    asked, cut = calls(sandbox), len(cuts)
    second = ask("member", query)

    told = [each["extensions"]["sections"]["memberDashboard"].values() for each in (first, second)]
    states = [{section["state"] for section in sections} for sections in told]
    assert states == [{"fresh"}, {"cached"}]
    for each in (first, second):
        each["data"]["memberDashboard"].pop("meta", None)
    assert shown(second) == shown(first)
    assert (calls(sandbox), len(cuts)) == (asked, cut)
    assert asked >= 2
    assert cut >= 2


def test_fields_with_calls_of_their_own_stand_beside_what_is_kept(ask, sandbox, cuts: list[str]) -> None:
    query = f"{{ {PROFILE} {{ personal {{ name }} coverage {{ status }} paymentPage(limit: 2) {{ limit }} }} }}"
    first, second = (ask("member", query) for _ in range(2))

    assert second["data"] == first["data"]
    assert second["data"]["memberProfile"]["paymentPage"] == {"limit": 2}
    assert sorted(cuts) == ["coverage", "personal"]


@pytest.mark.parametrize(
    "other",
    [
        f"{{ {DASHBOARD} {{ name recentClaims {{ id }} }} }}",
        f"{{ {DASHBOARD} {{ name recentClaims {{ id: status status: id totalAmount serviceDate }} }} }}",
        f"{{ {DASHBOARD} {{ planName: name {CLAIMS} }} }}",
        f"{{ {DASHBOARD} {{ name {CLAIMS} {BENEFITS} }} }}",
    ],
)  # fmt: skip
def test_another_operation_is_not_shown_what_is_kept_of_this(other: str, ask, sandbox, settings: Any) -> None:
    alone = shown(ask("member", other))
    settings.CACHE_KEY_PREFIX += "-anew"
    ask("member", NAMES)

    assert [shown(ask("member", other)) for _ in range(2)] == [alone, alone]


def test_amounts_are_kept_and_shown_in_each_language(as_, sandbox) -> None:
    client = as_("member")
    query = f"{{ {DASHBOARD} {{ {BENEFITS[:-2]} formattedTotalLimit }} recentClaims {{ formattedAmount }} }} }}"

    def shown(language: str) -> list[str]:
        answer = client.post(
            "/graphql", {"query": query}, content_type="application/json", headers={"Accept-Language": language}
        )
        view = answer.json()["data"]["memberDashboard"]
        return [view["benefitsSummary"]["formattedTotalLimit"], view["recentClaims"][0]["formattedAmount"]]

    english, indonesian = shown("en"), shown("id")

    assert all(re.fullmatch(r"Rp [0-9]{1,3}(,[0-9]{3})+", amount) for amount in english)
    assert indonesian == [amount.replace(",", ".") for amount in english]
    assert (shown("en"), shown("id")) == (english, indonesian)


def test_another_member_is_not_shown_what_is_kept_of_this(ask, sandbox) -> None:
    query = f"query($m: String!) {{ memberDashboard(memberId: $m) {{ memberId {CLAIMS} {BENEFITS} }} }}"
    one, other, again = (shown(ask("admin", query, m=member)) for member in ("m-1", "m-2", "m-1"))

    assert one == again
    assert (one[0], other[0]) == (("memberId", "m-1"), ("memberId", "m-2"))
    assert one[1:] != other[1:]


def test_what_is_kept_of_an_operation_is_dropped_with_the_rest(ask, sandbox) -> None:
    query = f"{{ {PROFILE} {{ personal {{ phone }} coverage {{ status }} }} }}"
    for _ in range(2):
        ask("member", query)
    ask("member", CONTACT, c={"phone": "+62 811-000-111"})

    assert ask("member", query)["data"]["memberProfile"]["personal"]["phone"] == "+62 811-000-111"


def test_a_view_with_a_section_that_failed_is_not_kept(ask, sandbox) -> None:
    sandbox.refuse("claims")
    partial = ask("member", NAMES)
    sandbox.clear()
    whole = ask("member", NAMES)

    assert partial["data"]["memberDashboard"]["recentClaims"] is None
    assert partial["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert whole["data"]["memberDashboard"]["recentClaims"]


def test_a_value_that_cannot_be_shown_is_told_each_time(ask, upstreams) -> None:
    upstreams.answers["summarizeClaims"] = SUMMARY | {"total": 2**31}
    for _ in range(2):
        answer = ask("member", f"{{ {PROFILE} {{ coverage {{ status }} claims {{ total }} }} }}")
        assert answer["data"] == {"memberProfile": {"coverage": {"status": "active"}, "claims": None}}
        (error,) = answer["errors"]
        assert error["path"] == ["memberProfile", "claims", "total"]
        assert error["extensions"]["code"] == "UPSTREAM_BAD_ANSWER"
