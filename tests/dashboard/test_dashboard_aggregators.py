"""What the views of several domains ask for, and what they show when some of it cannot be had."""

import datetime
from typing import Any

import msgspec
import pytest

from dashboard.aggregators import MEMBER_DASHBOARD, MEMBER_PROFILE, PROVIDER_DASHBOARD
from dashboard.view_models import MemberDashboard, MemberProfile, ProviderDashboard
from gateway_clients.conf import SERVICES
from gateway_clients.edge.output import view_models
from gateway_clients.edge.output.view_models import meta_of
from gateway_clients.errors import UpstreamNotFoundError
from gateway_clients.gateway import NothingToShowError
from gateway_clients.pipeline.upstreams import upstream
from tests.support.answering import LATE, AnsweringUpstreams
from tests.support.calls import gateway_for
from tests.upstream_answers import CLAIM, MEMBER, NOTIFICATION, a_page, all_well

SPECS = [MEMBER_DASHBOARD, MEMBER_PROFILE, PROVIDER_DASHBOARD]
MODELS = [MemberDashboard, MemberProfile, ProviderDashboard]
SUBJECTS = ["m-1", "m-1", "p-1"]
VIEWS = list(zip(SPECS, SUBJECTS, MODELS, strict=True))
NAMES = [spec.name for spec in SPECS]
AT = "2026-03-01T08:30:00Z"


def shown(spec=MEMBER_DASHBOARD, subject_id: str = "m-1", **asked: Any) -> dict[str, Any]:
    sections = gateway_for().view(spec, subject_id, **asked).sections()
    values = {name: section.value for name, section in sections.items()}
    return msgspec.json.decode(msgspec.json.encode({**values, "meta": meta_of(sections)}))


def tell_providers(upstreams: AnsweringUpstreams) -> None:
    """The notifications are those of a provider."""
    told = {key: value for key, value in NOTIFICATION.items() if key != "member_id"} | {"provider_id": "p-1"}
    upstreams.answers["listNotifications"] = {"items": [told]}


def test_a_member_dashboard_from_five_services(upstreams: AnsweringUpstreams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_models, "now", lambda: datetime.datetime.fromisoformat(AT))

    assert shown() == {
        "member": {"id": "m-1", "name": "Siti Rahayu", "plan_name": "Askes Gold", "member_since": "2019-03-01"},
        "recent_claims": [
            {
                "id": "clm-1",
                "member_id": "m-1",
                "provider_id": "p-1",
                "claim_number": "2026-000001",
                "display_number": "CLM-2026-000001",
                "status": "submitted",
                "status_color": "blue",
                "amount": 500000,
                "formatted_amount": "Rp 500,000",
                "service_date": "2026-03-01",
                "provider_name": "RS Sehat",
            },
        ],
        "benefits_summary": {
            "period_start": "2026-01-01",
            "period_end": "2026-12-31",
            "total_limit": 1000,
            "formatted_total_limit": "Rp 1,000",
            "total_used": 250,
            "formatted_total_used": "Rp 250",
            "total_remaining": 750,
            "formatted_total_remaining": "Rp 750",
            "items": [
                {
                    "code": "CONS-GP",
                    "name": "Consultation",
                    "category": "outpatient",
                    "annual_limit": 1000,
                    "formatted_annual_limit": "Rp 1,000",
                    "used_amount": 250,
                    "formatted_used_amount": "Rp 250",
                    "remaining_amount": 750,
                    "formatted_remaining_amount": "Rp 750",
                    "used_percent": 25,
                },
            ],
        },
        "coverage_status": {
            "status": "active",
            "policy_number": "POL-1",
            "plan_name": "Askes Gold",
            "effective_date": None,
            "expiry_date": None,
        },
        "notifications": [
            {
                "id": "n-1",
                "type": "claim_submitted",
                "title": "Claim received",
                "body": None,
                "created_at": "2026-03-01T00:00:00Z",
                "is_read": False,
                "claim_id": None,
            },
        ],
        "meta": {
            "complete": True,
            "as_of": AT,
            "sections": {
                name: {"state": "fresh", "age": 0}
                for name in ("member", "recent_claims", "benefits_summary", "coverage_status", "notifications")
            },
        },
    }
    assert sorted(upstreams.targets) == [
        "/claims?member_id=m-1&limit=5&offset=0",
        "/members/m-1",
        "/members/m-1/benefits",
        "/members/m-1/coverage",
        "/notifications?member_id=m-1&limit=5",
    ]


def test_only_the_asked_sections_are_asked_for_and_shown(upstreams: AnsweringUpstreams) -> None:
    dashboard = shown(sections=("recent_claims", "member"))

    assert list(dashboard) == ["member", "recent_claims", "meta"]
    assert list(dashboard["meta"]["sections"]) == ["member", "recent_claims"]
    assert sorted(upstreams.operations) == ["getMember", "listClaims"]


@pytest.mark.parametrize(
    ("operation", "sent", "section", "error"),
    [
        ("listMemberBenefits", LATE, "benefits_summary", "upstream_timeout"),
        ("listMemberBenefits", 503, "benefits_summary", "upstream_unavailable"),
        ("getCoverage", LATE, "coverage_status", "upstream_timeout"),
        ("listClaims", b"<html>", "recent_claims", "upstream_bad_answer"),
    ],
)
def test_a_service_that_fails_costs_its_section_alone(
    operation: str, sent: Any, section: str, error: str, upstreams: AnsweringUpstreams
) -> None:
    upstreams.answers[operation] = sent

    dashboard = shown()

    sections = dashboard["meta"]["sections"]
    assert dashboard[section] is None
    assert dashboard["meta"]["complete"] is False
    assert sections.pop(section) == {"state": "unavailable", "age": 0, "error": error}
    assert len(sections) == 4
    assert all(each == {"state": "fresh", "age": 0} and dashboard[name] for name, each in sections.items())


def test_dashboard_knows_the_member_by_id_alone_behind_an_open_breaker(upstreams: AnsweringUpstreams) -> None:
    upstream("member").breaker.open()

    dashboard = shown()

    assert dashboard["member"] == {"id": "m-1", "name": None, "plan_name": None, "member_since": None}
    assert dashboard["meta"]["sections"]["member"] == {"state": "fallback", "age": 0, "error": "circuit_open"}


def test_a_claim_that_cannot_be_read_costs_that_claim(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM, {"id": "clm-2"})

    dashboard = shown()

    assert [claim["id"] for claim in dashboard["recent_claims"]] == ["clm-1"]
    assert dashboard["meta"]["sections"]["recent_claims"] == {"state": "fresh", "age": 0, "omitted": 1}
    assert dashboard["meta"]["complete"] is False


def test_a_field_that_cannot_be_read_is_null_and_named(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["getMember"] = MEMBER | {"plan": {"id": "plan-1", "name": 7}}

    dashboard = shown()

    assert dashboard["member"]["plan_name"] is None
    assert dashboard["meta"]["sections"]["member"] == {"state": "fresh", "age": 0, "drifted": ["plan.name"]}
    assert dashboard["meta"]["complete"] is False


def test_another_members_claim_costs_the_section(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM | {"member_id": "m-2"})

    dashboard = shown()

    assert dashboard["recent_claims"] is None
    assert dashboard["meta"]["sections"]["recent_claims"]["error"] == "upstream_bad_answer"


@pytest.mark.parametrize(("spec", "subject", "_model"), VIEWS, ids=NAMES)
def test_who_is_not_there_has_no_view(spec, subject: str, _model, upstreams: AnsweringUpstreams) -> None:
    tell_providers(upstreams)
    upstreams.answers |= {"getMember": 404, "getProvider": 404}

    with pytest.raises(UpstreamNotFoundError):
        shown(spec, subject)


@pytest.mark.parametrize(("spec", "subject", "_model"), VIEWS, ids=NAMES)
def test_without_any_upstream_there_is_no_view(spec, subject: str, _model, upstreams: AnsweringUpstreams) -> None:
    upstreams.answers.clear()

    with pytest.raises(NothingToShowError):
        shown(spec, subject)


def test_a_profile_from_six_services(upstreams: AnsweringUpstreams) -> None:
    profile = shown(MEMBER_PROFILE)

    assert list(profile) == ["personal", "claims", "benefits", "coverage", "payments", "documents", "meta"]
    assert profile["personal"]["name"] == "Siti Rahayu"
    assert profile["claims"]["by_status"][0]["formatted_total_amount"] == "Rp 4,500"
    assert [group["category"] for group in profile["benefits"]["categories"]] == ["outpatient"]
    assert (profile["payments"][0]["id"], profile["documents"][0]["id"]) == ("pay-1", "d-1")
    assert sorted(upstreams.targets) == [
        "/claims/summary?member_id=m-1",
        "/documents?member_id=m-1&limit=5&offset=0",
        "/members/m-1",
        "/members/m-1/benefits",
        "/members/m-1/coverage",
        "/payments?member_id=m-1&limit=5&offset=0",
    ]


def test_a_provider_dashboard_shows_only_what_is_the_providers(upstreams: AnsweringUpstreams) -> None:
    tell_providers(upstreams)

    dashboard = shown(PROVIDER_DASHBOARD, "p-1")

    assert list(dashboard) == ["provider", "claims_summary", "recent_claims", "notifications", "meta"]
    assert dashboard["provider"]["id"] == "p-1"
    assert sorted(upstreams.targets) == [
        "/claims/summary?provider_id=p-1",
        "/claims?provider_id=p-1&limit=5&offset=0",
        "/notifications?provider_id=p-1&limit=5",
        "/providers/p-1",
    ]
    assert set(dashboard["recent_claims"][0]) == {
        "id", "member_id", "provider_id", "claim_number", "display_number", "status", "status_color", "amount",
        "formatted_amount", "service_date", "provider_name",
    }  # fmt: skip


@pytest.mark.parametrize(("spec", "_subject", "model"), VIEWS, ids=NAMES)
def test_the_view_model_has_the_sections_of_its_view_in_their_order(spec, _subject: str, model) -> None:
    assert model.__struct_fields__ == (*spec.section_names, "meta")


@pytest.mark.parametrize(("spec", "subject", "model"), VIEWS, ids=NAMES)
@pytest.mark.parametrize("is_up", [True, False])
def test_the_view_model_describes_what_is_shown(
    spec, subject: str, model, is_up: bool, upstreams: AnsweringUpstreams
) -> None:
    if spec is PROVIDER_DASHBOARD:
        tell_providers(upstreams)
    if not is_up:
        first = spec.sections[0].call(gateway_for(), subject).operation
        upstreams.answers = {first: all_well()[first]}

    dashboard = shown(spec, subject)

    assert dashboard["meta"]["complete"] is is_up
    msgspec.convert(dashboard, model)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_sections_ask_the_service_they_name(spec) -> None:
    gateway = gateway_for()

    assert [section.call(gateway, "x-1").service for section in spec.sections] == [
        section.service for section in spec.sections
    ]
    assert {section.service for section in spec.sections} <= set(SERVICES)
    assert [section.name for section in spec.sections if section.decides_existence] == [spec.section_names[0]]
    assert all(section.call(gateway, "x-1").key.subject == spec.subject("x-1") for section in spec.sections)
