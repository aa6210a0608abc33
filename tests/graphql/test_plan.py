"""Only what is asked is called, all of it at once: counted where the calls are made, and where they arrive."""

import json
import re
import time
from typing import Any

import pytest
from django.test import Client

from gateway_clients.pipeline.upstreams import admission
from tests.support.answering import LATE
from tests.upstream_answers import CLAIM, PROVIDER, a_page

DASHBOARD = 'memberDashboard(memberId: "m-1")'
PROFILE = 'memberProfile(memberId: "m-1")'


@pytest.mark.parametrize(
    ("query", "called"),
    [
        (f"{{ {DASHBOARD} {{ memberId }} }}", []),
        (f"{{ {DASHBOARD} {{ __typename meta {{ complete }} }} }}", []),
        (f"{{ {DASHBOARD} {{ name }} }}", ["getMember"]),
        (f"{{ {DASHBOARD} {{ name planName memberSince other: name }} }}", ["getMember"]),
        (f"{{ {DASHBOARD} {{ recentClaims {{ id }} }} }}", ["listClaims"]),
        (f"{{ {DASHBOARD} {{ benefitsSummary {{ totalUsed }} }} }}", ["listMemberBenefits"]),
        (f"{{ {DASHBOARD} {{ coverageStatus {{ status }} }} }}", ["getCoverage"]),
        (f"{{ {DASHBOARD} {{ notifications {{ id }} }} }}", ["listNotifications"]),
        (f"{{ {DASHBOARD} {{ ...a }} }} fragment a on MemberDashboard {{ ...b }} "
         "fragment b on MemberDashboard { name ... { coverageStatus { status } } }", ["getMember", "getCoverage"]),
        (f"{{ {DASHBOARD} {{ name @skip(if: true) memberId @include(if: true) }} }}", []),
        (f"query($no: Boolean = false) {{ {DASHBOARD} {{ name ... @include(if: $no) {{ recentClaims {{ id }} }} }} }}",
         ["getMember"]),
        (f"query($yes: Boolean = true) {{ {DASHBOARD} {{ name ...c @skip(if: $yes) }} }} "
         "fragment c on MemberDashboard { recentClaims { id } }", ["getMember"]),
        (f"{{ {DASHBOARD} @include(if: false) {{ name }} __typename }}", []),
        (f"{{ {PROFILE} {{ personal {{ name }} claims {{ total }} }} }}", ["getMember", "summarizeClaims"]),
        (f"{{ {PROFILE} {{ payments {{ id }} }} }}", ["listPayments"]),
        (f"{{ {PROFILE} {{ notificationPage(unread: true) {{ hasMore }} }} }}", ["listNotifications"]),
        (f"{{ {PROFILE} {{ notificationPage {{ unreadCount }} }} }}", ["listNotifications"] * 2),
        (f"{{ {PROFILE} {{ paymentPage(limit: 5) {{ total }} documents {{ id }} notifications {{ id }} }} }}",
         ["listPayments", "listNotifications", "listDocuments"]),
        (f"{{ {PROFILE} {{ a: paymentPage(limit: 2) {{ total }} b: paymentPage(limit: 3) {{ total }} }} }}",
         ["listPayments", "listPayments"]),
        (f"{{ a: {DASHBOARD} {{ name }} b: {DASHBOARD} {{ name }} }}", ["getMember"]),
        (f"{{ {DASHBOARD} {{ name }} {PROFILE} {{ personal {{ name }} }} }}", ["getMember"]),
        ('{ memberClaims(memberId: "m-1") { id providerId } }', ["listClaims"]),
        ('{ a: memberClaims(memberId: "m-1") { id } b: memberClaims(memberId: "m-1") { status } }', ["listClaims"]),
        ('{ claim(memberId: "m-1", claimId: "clm-1") { id provider { name } } }', ["getClaim", "searchProviders"]),
        ('{ claim(memberId: "m-1", claimId: "clm-1") { items { id } timeline { at } actions } }', ["getClaim"]),
        ('{ memberClaims(memberId: "m-1") { actions } }', ["listClaims"]),
        ("{ me { id } __typename }", []),
        ("{ __schema { queryType { name } } }", []),
    ],
)  # fmt: skip
def test_only_the_services_of_the_asked_fields_are_called(query: str, called: list[str], ask, upstreams) -> None:
    answer = ask("member", query)

    assert "errors" not in answer
    assert sorted(upstreams.operations) == sorted(called)


def test_a_document_is_planned_anew_for_each_value_of_its_conditions(ask, upstreams) -> None:
    query = f"query($all: Boolean!) {{ {DASHBOARD} {{ memberId name @include(if: $all) }} }}"

    less, more, again = (ask("member", query, all=each)["data"]["memberDashboard"] for each in (False, True, False))

    assert less == again == {"memberId": "m-1"}
    assert more == {"memberId": "m-1", "name": "Siti Rahayu"}
    assert upstreams.operations == ["getMember"]


def test_a_name_may_be_a_condition_in_one_operation_and_an_object_in_another(as_, upstreams) -> None:
    query = (
        f"query Less($x: Boolean!) {{ {DASHBOARD} {{ memberId name @skip(if: $x) }} }}"
        'mutation Change($x: ContactInput!) { updateContact(memberId: "m-1", contact: $x) { id } }'
    )
    body = {"query": query, "operationName": "Change", "variables": {"x": {"phone": "+62 812"}}}

    answer = as_("member").post("/graphql", body, content_type="application/json")

    assert (answer.status_code, answer.json()) == (200, {"data": {"updateContact": {"id": "m-1"}}})


def test_parts_with_arguments_of_their_own_keep_apart(ask, upstreams) -> None:
    answer = ask("member", f"{{ {PROFILE} {{ a: paymentPage(limit: 2) {{ limit }} paymentPage {{ limit }} }} }}")

    assert answer["data"]["memberProfile"] == {"a": {"limit": 2}, "paymentPage": {"limit": 20}}


def test_claims_without_a_provider_or_with_an_unknown_one_have_none(ask, upstreams) -> None:
    other = {"id": "p-404", "name": "Closed"}
    upstreams.answers["listClaims"] = a_page(
        CLAIM, CLAIM | {"id": "b", "provider": None}, CLAIM | {"id": "c", "provider": other}
    )
    upstreams.answers["searchProviders"] = a_page(PROVIDER)

    answer = ask("member", f"{{ {DASHBOARD} {{ recentClaims {{ provider {{ id }} }} }} }}")

    assert [each["provider"] for each in answer["data"]["memberDashboard"]["recentClaims"]] == [
        {"id": "p-1"},
        None,
        None,
    ]
    assert upstreams.asked[-1].target == "/providers?ids=p-1%2Cp-404&limit=2&offset=0"
    assert "errors" not in answer


def test_when_providers_cannot_be_had_the_claims_are_shown_without(ask, upstreams) -> None:
    upstreams.answers["searchProviders"] = LATE

    answer = ask("member", "{ claims { total claims { id provider { name } } } }")

    assert answer["data"]["claims"] == {"total": 17, "claims": [{"id": "clm-1", "provider": None}]}
    assert answer["errors"][0]["path"] == ["claims", "claims", 0, "provider"]
    assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_TIMEOUT"


def test_a_root_field_that_fails_is_null_beside_its_siblings(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = LATE

    answer = ask("admin", '{ claims { total } provider(providerId: "p-1") { name } members(limit: 0) { total } }')

    assert answer["data"] == {"claims": None, "provider": {"name": "RS Sehat"}, "members": None}
    assert {error["path"][0]: error["extensions"]["code"] for error in answer["errors"]} == {
        "claims": "UPSTREAM_TIMEOUT",
        "members": "BAD_USER_INPUT",
    }
    assert answer["errors"][1]["extensions"]["errors"] == {"limit": ["Must be a number from 1 to 100."]}


def test_a_request_that_was_shed_says_so(ask, upstreams, settings) -> None:
    settings.ADMISSION_LIMIT = 1
    admission().enter()

    answer = ask("admin", "{ claims { total } }")

    assert answer["errors"][0]["extensions"]["code"] == "OVERLOADED"
    assert upstreams.asked == []


def post(client: Client, query: str, **options: Any) -> Any:
    return client.post("/graphql", json.dumps({"query": query}), content_type="application/json", **options)


def timed(client: Client, query: str) -> tuple[Any, float]:
    begun = time.monotonic()
    answer = post(client, query, headers={"Cache-Control": "no-cache"})
    return answer, time.monotonic() - begun


@pytest.mark.alone
def test_root_fields_and_sections_are_asked_side_by_side(as_, sandbox) -> None:
    client = as_("member")
    post(client, "{ __typename }")
    for service in ("member", "claims", "payment", "notification", "provider"):
        sandbox.fault(service, "delay", delay_seconds=0.2)

    query = (
        f"{{ {DASHBOARD} {{ name notifications {{ id }} }} {PROFILE} {{ payments {{ id }} paymentPage {{ total }} }} "
        '  memberClaims(memberId: "m-1") { id } }'
    )
    tries = [timed(client, query) for _ in range(3)]
    answer, seconds = min(tries, key=lambda each: each[1])

    assert "errors" not in answer.json()
    assert 0.2 <= seconds < 0.35
    assert len(answer["Server-Timing"].split(",")) == 5


def test_a_query_for_the_name_alone_is_one_upstream_call(as_, sandbox) -> None:
    answer = post(as_("member"), f"{{ {DASHBOARD} {{ name }} }}").json()

    assert answer["data"] == {"memberDashboard": {"name": "Siti Rahayu"}}
    assert {service: sandbox.calls(service).total for service in ("member", "claims", "benefit", "notification")} == {
        "member": 1,
        "claims": 0,
        "benefit": 0,
        "notification": 0,
    }


def test_the_providers_of_all_claims_of_a_query_are_one_call_that_arrives(as_, sandbox) -> None:
    query = "{ claims(limit: 50) { claims { providerId provider { id name } } } }"

    shown = post(as_("admin"), query).json()["data"]["claims"]["claims"]

    assert len(shown) == 50
    assert all(claim["provider"]["id"] == claim["providerId"] for claim in shown)
    assert sandbox.calls("provider").by_operation == {"searchProviders": 1}


def test_a_provider_whose_name_is_no_id_costs_no_other_claim_its_provider(ask, upstreams) -> None:
    named = [CLAIM | {"id": f"clm-{n}", "provider": {"id": name}} for n, name in enumerate(["p-1", "2026/7", "a,b"])]
    upstreams.answers["listClaims"] = a_page(*named)

    answer = ask("admin", "{ claims { claims { providerId provider { id } } } }")

    assert answer["data"]["claims"]["claims"] == [
        {"providerId": "p-1", "provider": {"id": "p-1"}},
        {"providerId": "2026/7", "provider": None},
        {"providerId": "a,b", "provider": None},
    ]
    assert "errors" not in answer
    assert upstreams.targets[1:] == ["/providers?ids=p-1&limit=1&offset=0"]


def test_where_no_provider_has_an_id_none_is_asked_for(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM | {"provider": {"id": "2026/7"}})

    answer = ask("admin", "{ claims { claims { provider { id } } } }")

    assert answer["data"]["claims"]["claims"] == [{"provider": None}]
    assert upstreams.operations == ["listClaims"]


def test_a_claim_whose_name_is_no_id_costs_no_other_claim_its_details(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM, CLAIM | {"id": "2026/7"})
    upstreams.answers["getClaim"] = CLAIM | {"items": [{"benefit_code": "CONS-GP", "amount": 7, "quantity": 1}]}

    answer = ask("admin", "{ claims { claims { id items { benefitCode } } } }")

    claims = answer["data"]["claims"]["claims"]
    assert [claim["id"] for claim in claims] == ["clm-1", "2026/7"]
    assert claims[0]["items"] == [{"benefitCode": "CONS-GP"}]
    assert (claims[1]["items"], upstreams.operations) == (None, ["listClaims", "getClaim"])
    assert [(each["path"], each["extensions"]["code"]) for each in answer["errors"]] == [
        (["claims", "claims", 1, "items"], "NOT_FOUND")
    ]


def test_what_is_kept_is_marked_as_over_rest(as_, sandbox) -> None:
    client = as_("member")
    query = f"{{ {DASHBOARD} {{ name coverageStatus {{ status }} meta {{ sections {{ name state }} }} }} }}"

    fresh, kept = post(client, query), post(client, query)

    assert fresh.json()["extensions"]["sections"]["memberDashboard"]["coverageStatus"] == {"state": "fresh", "age": 0}
    assert kept.json()["extensions"]["sections"]["memberDashboard"]["coverageStatus"]["state"] == "cached"
    assert [each["name"] for each in kept.json()["data"]["memberDashboard"]["meta"]["sections"]] == [
        "member",
        "coverageStatus",
    ]
    assert fresh["Cache-Status"] == "web-bff; fwd=miss"
    assert re.fullmatch(r"web-bff; hit; ttl=2[0-9]{2}", kept["Cache-Status"])
    assert sandbox.calls("policy").total == 1
