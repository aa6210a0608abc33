"""The REST addresses as portals meet them: shapes, sections, failures of upstreams."""

import datetime

import pytest

from members.aggregators import PROFILE_PAGES
from tests.portal.addresses import PROFILE
from tests.support.answering import LATE
from tests.upstream_answers import CLAIM, NOTIFICATION, PROVIDER
from tests.upstreams import UPSTREAMS

SHOWN = [(address, view) for each in UPSTREAMS.values() for address, view in each.shown.items()]
SECTIONS = ["member", "recent_claims", "benefits_summary", "coverage_status", "notifications"]


def test_a_dashboard_is_whole_and_private(as_, upstreams) -> None:
    answer = as_("member").get("/api/v1/dashboard/m-1")

    shown = answer.json()
    assert answer.status_code == 200
    assert list(shown) == [*SECTIONS, "meta"]
    as_of = datetime.datetime.fromisoformat(shown["meta"].pop("as_of"))
    assert shown["meta"] == {"complete": True, "sections": {name: {"state": "fresh", "age": 0} for name in SECTIONS}}
    assert datetime.timedelta(0) <= datetime.datetime.now(datetime.UTC) - as_of < datetime.timedelta(seconds=5)
    assert shown["member"] == {
        "id": "m-1",
        "name": "Siti Rahayu",
        "plan_name": "Askes Gold",
        "member_since": "2019-03-01",
    }
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Cache-Status"] == "web-bff; fwd=miss"
    assert answer.headers["ETag"].startswith('W/"')


def test_only_the_asked_sections_in_the_order_of_the_view(as_, upstreams) -> None:
    shown = as_("member").get("/api/v1/dashboard/m-1?sections=notifications,member").json()

    assert list(shown) == ["member", "notifications", "meta"]
    assert list(shown["meta"]["sections"]) == ["member", "notifications"]
    assert sorted(upstreams.operations) == ["getMember", "listNotifications"]


def test_a_section_that_failed_is_null_and_named(as_, upstreams) -> None:
    upstreams.answers["listMemberBenefits"] = LATE

    answer = as_("member").get("/api/v1/dashboard/m-1")

    shown = answer.json()
    assert (answer.status_code, shown["benefits_summary"], shown["meta"]["complete"]) == (200, None, False)
    assert shown["meta"]["sections"]["benefits_summary"] == {
        "state": "unavailable",
        "age": 0,
        "error": "upstream_timeout",
    }


@pytest.mark.parametrize(
    ("operation", "answer", "address", "sections"),
    [
        (
            "getClaim",
            CLAIM | {"items": [{"benefit_code": "CONS-GP", "amount": 1}, {"amount": 1}], "approved_amount": "many"},
            "claims/m-1/clm-1",
            {"claim": {"state": "fresh", "age": 0, "omitted": 1, "drifted": ["approved_amount"]}},
        ),
        (
            "getProvider",
            PROVIDER | {"phone": 62},
            "providers/p-1",
            {"provider": {"state": "fresh", "age": 0, "drifted": ["phone"]}},
        ),
    ],
)
def test_a_record_alone_says_what_of_it_could_not_be_read(
    operation: str, answer, address: str, sections, as_, upstreams
) -> None:
    whole = as_("admin").get(f"/api/v1/{address}", headers={"Cache-Control": "no-cache"})
    upstreams.answers[operation] = answer

    broken = as_("admin").get(f"/api/v1/{address}", headers={"Cache-Control": "no-cache"})

    assert whole.json()["meta"]["complete"] is True
    assert (broken.status_code, broken.json()["meta"]["complete"]) == (200, False)
    assert broken.json()["meta"]["sections"] == sections
    assert broken["ETag"] != whole["ETag"]


def test_all_services_down_is_503_with_retry_after(as_, upstreams) -> None:
    upstreams.answers.clear()

    answer = as_("member").get("/api/v1/dashboard/m-1")

    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_member_who_does_not_exist_has_no_dashboard(as_, upstreams) -> None:
    upstreams.answers["getMember"] = 404

    assert as_("admin").get("/api/v1/dashboard/m-1").status_code == 404


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("members/m-1", [*PROFILE, "meta"]),
        ("members/m-1/benefits", ["benefits", "meta"]),
        ("members/m-1/coverage", ["coverage", "meta"]),
        ("members/m-1/payments", ["payments", "total", "limit", "offset", "has_more", "meta"]),
        ("members/m-1/documents?claim_id=clm-1", ["documents", "total", "limit", "offset", "has_more", "meta"]),
        ("members/m-1/notifications", ["notifications", "limit", "has_more", "unread_count", "meta"]),
        (
            "members/m-1/eligibility?provider_id=p-1&service_date=2026-03-01",
            ["is_eligible", "reason", "coverage", "checked_at"],
        ),
        ("members?q=siti", ["items", "total", "limit", "offset", "has_more", "meta"]),
        ("providers?q=sehat", ["items", "total", "limit", "offset", "has_more", "meta"]),
        (
            "providers/p-1",
            ["id", "name", "type", "location", "address", "phone", "is_active", "network_tier", "meta"],
        ),
    ],
)
def test_each_address_has_its_shape(address: str, fields: list[str], as_, upstreams) -> None:
    answer = as_("admin").get(f"/api/v1/{address}")

    assert answer.status_code == 200
    assert list(answer.json()) == fields


@pytest.mark.parametrize(("address", "view"), SHOWN)
def test_what_an_upstream_answers_is_shown_as_its_samples_say(address: str, view, as_, upstreams) -> None:
    shown = as_("admin").get(f"/api/v1/{address}").json()

    shown.pop("meta", None)
    assert shown == view


def test_every_list_of_a_profile_has_its_view_told() -> None:
    assert {spec.path.replace("<id:member_id>", "m-1") for spec in PROFILE_PAGES} <= {address for address, _ in SHOWN}


@pytest.mark.parametrize(("accepted", "text"), [({}, "Rp 500,000"), ({"Accept-Language": "id-ID"}, "Rp 500.000")])
def test_amounts_are_written_as_the_portal_reads_them(accepted: dict[str, str], text: str, as_, upstreams) -> None:
    member = as_("member")
    dashboard = member.get("/api/v1/dashboard/m-1", headers=accepted)
    claim = member.get("/api/v1/claims/m-1/clm-1", headers=accepted).json()

    assert dashboard.json()["recent_claims"][0]["formatted_amount"] == text
    assert claim["formatted_amount"] == text
    assert "Accept-Language" in dashboard.headers["Vary"]


@pytest.mark.parametrize(
    ("count", "limit", "has_more"), [(2, 2, False), (3, 2, True), (100, 100, True), (99, 100, False)]
)
def test_notifications_say_whether_there_are_more_and_how_many_are_unread(
    count: int, limit: int, has_more: bool, as_, upstreams
) -> None:
    upstreams.answers["listNotifications"] = {"items": [NOTIFICATION] * count}

    shown = as_("member").get(f"/api/v1/members/m-1/notifications?limit={limit}").json()

    assert (len(shown["notifications"]), shown["has_more"]) == (min(count, limit), has_more)
    assert shown["unread_count"] == count
    assert list(shown["meta"]["sections"]) == ["notifications", "unread_count"]


def test_a_document_says_where_its_bytes_are(as_, upstreams) -> None:
    member = as_("member")
    (document,) = member.get("/api/v1/members/m-1/documents").json()["documents"]

    assert document["content_url"] == f"/api/v1/members/m-1/documents/{document['id']}/content"
    assert member.get(document["content_url"]).status_code == 200
