"""What the types of the schema are: closed sets, ids, scalars, and one type for one thing."""

import re
from typing import Any, get_args, get_type_hints

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)
from msgspec import UnsetType

from bff_project.schema import schema
from claims.view_models import ClaimStatus, ListedClaim
from gateway_clients.edge.graphql.types import TYPES
from gateway_clients.errors import ErrorCode
from tests.support.answering import LATE
from tests.upstream_answers import CLAIM, PROVIDER, a_page

OWN = {
    name: kind
    for name, kind in schema.graphql_schema.type_map.items()
    if isinstance(kind, GraphQLObjectType) and not name.startswith("__") and name not in {"Query", "Mutation"}
}
FIELDS = [(f"{kind.name}.{name}", field) for kind in OWN.values() for name, field in kind.fields.items()]
#: Shown once, as a part of what has an id.
WITHOUT_ID = {"AuthResponse", "SubmissionError", "NotificationsRead"}
#: Free texts whose names are those of closed sets elsewhere.
FREE = {"Notification.type"}
WHOLE = {
    **CLAIM,
    "submitted_at": "2026-03-02T08:30:00Z",
    "approved_amount": 400_000,
    "items": [{"benefit_code": "CONS-GP", "amount": 500_000}],
    "history": [{"status": "submitted", "at": "2026-03-02T08:30:00Z"}],
}
DETAILS = "approvedAmount formattedApprovedAmount rejectionReason submittedAt items { benefitCode } timeline { status }"


def enum(name: str) -> list[str]:
    kind = schema.graphql_schema.type_map[name]
    assert isinstance(kind, GraphQLEnumType)
    return list(kind.values)


def test_a_closed_set_is_an_enum_with_the_values_of_rest() -> None:
    assert enum("ClaimStatus") == [status.value for status in ClaimStatus]
    assert enum("ErrorCode") == [code.value for code in ErrorCode]
    assert enum("SectionState") == ["fresh", "cached", "stale", "fallback", "unavailable"]
    assert enum("BreakerState") == ["closed", "half_open", "open"]


@pytest.mark.parametrize("name", ["status", "statusColor", "state", "error", "code", "category", "type", "roles"])
def test_no_field_of_a_closed_set_is_a_text(name: str) -> None:
    own = [(path, field) for path, field in FIELDS if path.endswith(f".{name}") and path not in FREE]
    texts = [path for path, field in own if get_named_type(field.type).name == "String"]

    assert own
    assert texts in ([], ["BenefitItem.code"])


def test_ids_that_are_sent_out_are_ids() -> None:
    ids = [(path, field) for path, field in FIELDS if path.endswith((".id", "Id"))]

    assert len(ids) > 30
    assert {get_named_type(field.type).name for _, field in ids} == {"ID"}


def test_whatever_can_be_shown_twice_has_an_id() -> None:
    assert {name for name, kind in OWN.items() if "id" not in kind.fields} <= WITHOUT_ID


def test_amounts_are_rupiah_in_and_out() -> None:
    amounts = {path for path, field in FIELDS if get_named_type(field.type).name == "Rupiah"}
    given = schema.graphql_schema.type_map["ClaimItemInput"]

    assert {"Claim.totalAmount", "Payment.amount", "BenefitsSummary.totalLimit", "StatusSum.totalAmount"} <= amounts
    assert isinstance(given, GraphQLInputObjectType)
    assert str(given.fields["amount"].type) == "Rupiah!"


def test_moments_and_days_are_kept_apart() -> None:
    kinds = {path: get_named_type(field.type).name for path, field in FIELDS}

    assert {kinds[each] for each in ("Claim.serviceDate", "Personal.memberSince", "Coverage.expiryDate")} == {"Date"}
    assert {kinds[each] for each in ("ClaimEvent.at", "Notification.createdAt", "ViewMeta.asOf")} == {"DateTime"}


def test_no_item_of_a_list_is_nullable() -> None:
    for path, field in FIELDS:
        kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        assert not isinstance(kind, GraphQLList) or isinstance(kind.of_type, GraphQLNonNull), path


def test_what_a_list_leaves_out_is_loaded_side_by_side_and_never_null_for_that(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM)
    upstreams.answers["getClaim"] = WHOLE

    (claim,) = ask("member", f'{{ memberClaims(memberId: "m-1") {{ id {DETAILS} }} }}')["data"]["memberClaims"]

    assert claim == {
        "id": "clm-1",
        "approvedAmount": 400_000,
        "formattedApprovedAmount": "Rp 400,000",
        "rejectionReason": None,
        "submittedAt": "2026-03-02T08:30:00Z",
        "items": [{"benefitCode": "CONS-GP"}],
        "timeline": [{"status": "submitted"}],
    }
    assert upstreams.operations == ["listClaims", "getClaim"]


def test_what_a_list_brings_is_not_asked_for_again(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(WHOLE)

    (claim,) = ask("member", f'{{ memberClaims(memberId: "m-1") {{ {DETAILS} }} }}')["data"]["memberClaims"]

    assert (claim["approvedAmount"], claim["rejectionReason"]) == (400_000, None)
    assert upstreams.operations == ["listClaims"]


def test_the_details_of_a_dashboards_claims_are_one_round_over_the_fields_that_want_them(as_, sandbox) -> None:
    query = f'{{ memberDashboard(memberId: "m-1") {{ recentClaims {{ id {DETAILS} }} }} }}'

    answer = as_("member").post("/graphql", {"query": query}, content_type="application/json").json()

    claims = answer["data"]["memberDashboard"]["recentClaims"]
    assert len(claims) == 5
    assert all(claim["timeline"] and claim["items"] and claim["submittedAt"] for claim in claims)
    assert sandbox.calls("claims").by_operation == {"listClaims": 1, "getClaim": 5}


@pytest.mark.parametrize(("provider", "approved"), [("p-1", 400_000), ("p-2", None)])
def test_a_provider_is_shown_the_details_of_claims_that_are_still_its_own(
    provider: str, approved: int | None, ask, upstreams
) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM)
    upstreams.answers["getClaim"] = WHOLE | {"provider": {"id": provider}}

    answer = ask("provider", '{ providerDashboard(providerId: "p-1") { recentClaims { id approvedAmount actions } } }')

    assert answer["data"]["providerDashboard"]["recentClaims"] == [
        {"id": "clm-1", "approvedAmount": approved, "actions": ["cancel", "upload_document"]}
    ]
    assert [each["extensions"]["code"] for each in answer.get("errors", [])] == ([] if approved else ["NOT_FOUND"])
    assert upstreams.operations == ["listClaims", "getClaim"]


def test_details_that_were_kept_for_a_provider_are_kept_for_nobody_else(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM)
    upstreams.answers["getClaim"] = WHOLE
    dashboard = '{ providerDashboard(providerId: "p-1") { recentClaims { approvedAmount } } }'
    claim = '{ claim(memberId: "m-1", claimId: "clm-1") { approvedAmount } }'

    for who, query in (("provider", dashboard), ("provider", dashboard), ("member", claim), ("admin", claim)):
        assert "errors" not in ask(who, query)

    assert upstreams.operations == ["listClaims", "getClaim", "getClaim"]


def test_details_that_cannot_be_had_are_null_and_say_why(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM)
    upstreams.answers["getClaim"] = LATE

    answer = ask("member", '{ memberClaims(memberId: "m-1") { id status timeline { at } } }')

    assert answer["data"]["memberClaims"] == [{"id": "clm-1", "status": "submitted", "timeline": None}]
    assert answer["errors"][0]["path"] == ["memberClaims", 0, "timeline"]
    assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_TIMEOUT"


def test_the_details_of_a_claim_that_is_somebody_elses_by_now_are_not_shown(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM)
    upstreams.answers["getClaim"] = WHOLE | {"member_id": "m-2"}

    answer = ask("member", '{ memberClaims(memberId: "m-1") { id timeline { at } } }')

    assert answer["data"]["memberClaims"] == [{"id": "clm-1", "timeline": None}]
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("who", "actions"), [("member", ["cancel", "upload_document"]), ("admin", ["cancel", "upload_document"])]
)
def test_actions_of_a_list_are_known_without_a_call(who: str, actions: list[str], ask, upstreams) -> None:
    (claim,) = ask(who, '{ memberClaims(memberId: "m-1") { actions } }')["data"]["memberClaims"]

    assert claim["actions"] == actions
    assert upstreams.operations == ["listClaims"]


def test_a_claim_is_the_same_entity_in_each_view(ask, upstreams) -> None:
    upstreams.answers["searchProviders"] = a_page(PROVIDER)
    query = """{
        dashboard: memberDashboard(memberId: "m-1") {
            id memberId recentClaims { __typename id provider { __typename id } }
        }
        list: memberClaims(memberId: "m-1") { __typename id }
        one: claim(memberId: "m-1", claimId: "clm-1") { __typename id provider { __typename id } }
    }"""

    shown = ask("member", query)["data"]

    assert shown["dashboard"]["id"] == shown["dashboard"]["memberId"] == "m-1"
    assert shown["dashboard"]["recentClaims"][0] == shown["one"]
    assert shown["one"] == {"__typename": "Claim", "id": "clm-1", "provider": {"__typename": "Provider", "id": "p-1"}}
    assert shown["list"] == [{"__typename": "Claim", "id": "clm-1"}]


IDS = """
    memberDashboard(memberId: "m-1") {
        id meta { id sections { id } } benefitsSummary { id items { id } } coverageStatus { id }
    }
    memberProfile(memberId: "m-1") {
        id claims { id byStatus { id status } } benefits { id categories { id items { id } } } coverage { id }
        paymentPage(limit: 2) { id meta { id } }
    }
    claims(status: submitted, limit: 3) { id meta { id } }
"""


def test_the_ids_that_the_gateway_makes(ask, upstreams) -> None:
    shown = ask("member", f"{{ {IDS} }}")["data"]
    dashboard, profile = shown["memberDashboard"], shown["memberProfile"]

    assert dashboard == {
        "id": "m-1",
        "meta": {
            "id": "member_dashboard:m-1",
            "sections": [{"id": "member_dashboard:m-1:benefitsSummary"}, {"id": "member_dashboard:m-1:coverageStatus"}],
        },
        "benefitsSummary": {"id": "m-1", "items": [{"id": "m-1:CONS-GP"}]},
        "coverageStatus": {"id": "m-1"},
    }
    assert profile["claims"]["id"] == "MemberProfile:m-1"
    assert all(each["id"] == f"MemberProfile:m-1:{each['status']}" for each in profile["claims"]["byStatus"])
    assert profile["benefits"] == {
        "id": "m-1",
        "categories": [{"id": "m-1:outpatient", "items": [{"id": "m-1:CONS-GP"}]}],
    }
    assert profile["paymentPage"]["id"] == "memberProfile/paymentPage?limit=2&offset=0"
    assert shown["claims"]["id"] == "claims?limit=3&offset=0&status=submitted"


def test_the_ids_are_the_same_when_the_answer_is_kept(as_, sandbox) -> None:
    client = as_("admin")
    query = f"{{ {IDS} }}"

    first, second = (
        client.post("/graphql", {"query": query}, content_type="application/json").json()["data"] for _ in range(2)
    )

    assert ids(first) == ids(second)
    assert ids(first)


def ids(shown: Any) -> list[str]:
    if isinstance(shown, list):
        return [each for item in shown for each in ids(item)]
    if not isinstance(shown, dict):
        return []
    return [*([shown["id"]] if "id" in shown else []), *(each for value in shown.values() for each in ids(value))]


def test_a_list_with_details_costs_more(ask, upstreams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_clients.edge.graphql.complexity.MAX_COST", 1_000)
    cheap = '{ memberClaims(memberId: "m-1", limit: 100) { id status actions } }'
    dear = '{ memberClaims(memberId: "m-1", limit: 100) { id status approvedAmount } }'

    assert "errors" not in ask("member", cheap)
    assert "could cost too much" in ask("member", dear)["errors"][0]["message"]
    assert upstreams.operations == ["listClaims"]


def test_every_type_field_argument_and_value_is_described() -> None:
    told: dict[str, str | None] = {}
    for kind in schema.graphql_schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        told[kind.name] = kind.description
        values = getattr(kind, "fields", None) or getattr(kind, "values", {})
        for name, each in values.items():
            told[f"{kind.name}.{name}"] = each.description
            for argument, given in getattr(each, "args", {}).items():
                told[f"{kind.name}.{name}({argument})"] = given.description

    assert len(told) > 400
    assert [name for name, description in told.items() if not description] == []
    assert [name for name, description in told.items() if re.search(r"^\s|\n[ \t]+\S|\s$", description or "")] == []


#: Loaded where a list lacks them, or told only where there is something to tell.
MAY_FAIL_ALONE = {"Claim": {"items", "timeline", "actions"}, "SectionMeta": {"age", "omitted", "drifted"}}


@pytest.mark.parametrize("model", TYPES.by_model, ids=lambda model: model.__name__)
def test_a_field_is_nullable_where_rest_may_show_null(model: Any) -> None:
    kind = OWN[TYPES.by_model[model]._meta.name]
    by_source = {source.name: name for name, source in TYPES.by_model[model].sources.items()}
    hints = get_type_hints(model)

    for attribute in model.__struct_fields__:
        name = by_source.get(attribute)
        if name is None or attribute in MAY_FAIL_ALONE.get(kind.name, ()):
            continue
        may_be_null = bool({type(None), UnsetType} & set(get_args(hints[attribute])))
        is_nullable = not isinstance(kind.fields[name].type, GraphQLNonNull)
        assert is_nullable is may_be_null or model is ListedClaim, f"{kind.name}.{name}"
