"""The REST addresses as portals meet them: shapes, bad input, failures."""

import datetime

import pytest

from gateway_clients.caching.lookups import LookupResult
from gateway_clients.pipeline.upstreams import upstream
from members.aggregators import PROFILE_PAGES
from tests.portal.addresses import ADDRESSES, PROFILE
from tests.support.answering import LATE, REFUSED
from tests.support.waiting import wait_until
from tests.upstream_answers import CLAIM, NOTIFICATION, a_page
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


def test_all_services_down_is_503_with_retry_after(as_, upstreams) -> None:
    upstreams.answers.clear()

    answer = as_("member").get("/api/v1/dashboard/m-1")

    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_member_who_does_not_exist_has_no_dashboard(as_, upstreams) -> None:
    upstreams.answers["getMember"] = 404

    assert as_("admin").get("/api/v1/dashboard/m-1").status_code == 404


def test_a_page_of_claims(as_, upstreams) -> None:
    answer = as_("member").get("/api/v1/claims/m-1?status=paid&limit=5&offset=10")

    shown = answer.json()
    assert list(shown) == ["claims", "total", "limit", "offset", "has_more", "meta"]
    assert (shown["total"], shown["limit"], shown["offset"]) == (17, 5, 10)
    assert list(shown["claims"][0]) == [
        "id", "member_id", "provider_id", "claim_number", "display_number", "status", "status_color", "amount",
        "formatted_amount", "service_date", "provider_name",
    ]  # fmt: skip
    assert upstreams.targets == ["/claims?member_id=m-1&status=paid&limit=5&offset=10"]


def test_a_number_may_have_as_many_zeros_before_it_as_an_address_holds(as_, upstreams) -> None:
    answer = as_("member").get(f"/api/v1/claims/m-1?limit={'0' * 5_000}5")

    assert answer.status_code == 200
    assert upstreams.targets == ["/claims?member_id=m-1&limit=5&offset=0"]


def test_a_provider_asks_for_a_members_claims_at_its_own_address_only(as_, upstreams) -> None:
    assert as_("provider").get("/api/v1/claims/m-1").status_code == 200
    assert upstreams.targets == ["/claims?member_id=m-1&provider_id=p-1&limit=20&offset=0"]


def test_a_claim_in_detail(as_, upstreams) -> None:
    answer = as_("member").get("/api/v1/claims/m-1/clm-1")

    assert list(answer.json()) == [
        "id", "member_id", "provider_id", "claim_number", "display_number", "status", "status_color", "amount",
        "formatted_amount", "service_date", "provider_name", "approved_amount", "formatted_approved_amount",
        "rejection_reason", "submitted_at", "provider", "items", "timeline", "actions",
    ]  # fmt: skip
    assert answer.json()["actions"] == ["cancel", "upload_document"]
    assert answer.headers["Cache-Status"] == "web-bff; fwd=miss"


def test_a_stale_claim_says_so_in_its_headers(as_, upstreams, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CACHE_TTL_SECONDS_CLAIMS = 0.05
    member = as_("member")
    assert member.get("/api/v1/claims/m-1/clm-1").status_code == 200
    upstreams.answers["getClaim"] = LATE
    wait_until(lambda: "stale" in member.get("/api/v1/claims/m-1/clm-1").headers["Cache-Status"])
    monkeypatch.setattr(LookupResult, "age_seconds", 61.9)
    monkeypatch.setattr(LookupResult, "ttl_seconds", -1.9)

    answer = member.get("/api/v1/claims/m-1/clm-1")

    assert (answer.headers["Cache-Status"], answer.headers["Age"]) == ("web-bff; hit; ttl=-2; detail=stale", "61")


@pytest.mark.parametrize("who", ["member", "admin"])
def test_another_members_claim_is_not_found(who: str, as_, upstreams) -> None:
    upstreams.answers["getClaim"] = CLAIM | {"member_id": "m-2"}

    answer = as_(who).get("/api/v1/claims/m-1/clm-1")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert upstreams.operations == ["getClaim"]


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("dashboard/m-1?sections=", "sections"),
        ("dashboard/m-1?sections=member,secrets", "sections"),
        ("dashboard/m-1?sections=member&sections=", "sections"),
        ("dashboard/m-1?sections=member&sections=secrets", "sections"),
        ("members/m-1?sections=recent_claims", "sections"),
        ("claims/m-1?status=unknown", "status"),
        ("claims/m-1?status=PAID", "status"),
        ("claims/m-1?limit=0", "limit"),
        ("claims/m-1?limit=101", "limit"),
        ("claims/m-1?limit=1e1", "limit"),
        ("claims/m-1?limit=%D9%A1", "limit"),
        ("claims/m-1?limit=%00", "limit"),
        ("claims/m-1?limit=", "limit"),
        ("claims/m-1?offset=-1", "offset"),
        ("claims/m-1?offset=+1", "offset"),
        ("members/m-1/notifications?unread=maybe", "unread"),
        ("members/m-1/notifications?unread=true&unread=false", "unread"),
        ("claims?member_id=m%2F1", "member_id"),
        ("claims?provider_id=", "provider_id"),
        ("members/m-1/documents?claim_id=a.b", "claim_id"),
        ("members/m-1/eligibility?service_date=2026-03-01", "provider_id"),
        ("members/m-1/eligibility?provider_id=p-1", "service_date"),
        ("members/m-1/eligibility?provider_id=p-1&service_date=2026-02-30", "service_date"),
        ("members/m-1/eligibility?provider_id=p-1&service_date=20260301", "service_date"),
        (f"members?q={'x' * 101}", "q"),
        ("members?q=%00", "q"),
        ("providers?q=a&q=b", "q"),
        ("claims/m-1?limitt=1", "limitt"),
        ("claims/m-1?LIMIT=1", "LIMIT"),
        ("claims/m-1?member_id=m-1", "member_id"),
        ("claims/m-1?sections[]=a", "sections[]"),
        ("claims/m-1?limit=1&=", ""),
        (f"claims/m-1?{'x' * 200}=1", "x" * 64),
        ("claims/m-1?service_date_from=2026-W48-6", "service_date_from"),
        ("claims/m-1?service_date_to=2026-1-1", "service_date_to"),
        ("claims?service_date_from=%D9%A2026-01-01", "service_date_from"),
        ("claims?service_date_to=", "service_date_to"),
        ("claims?service_date_to=2026-01-01&service_date_to=2026-01-02", "service_date_to"),
        ("members/m-1/notifications?unread=1", "unread"),
        ("members/m-1/notifications?unread=True", "unread"),
        ("members/m-1/notifications?unread=", "unread"),
        ("members/m-1/notifications?offset=0", "offset"),
    ],
)
def test_bad_input_names_its_field_and_nobody_is_called(address: str, field: str, as_, upstreams) -> None:
    answer = as_("admin").get(f"/api/v1/{address}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert list(answer.json()["errors"]) == [field]
    assert upstreams.asked == []


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_what_an_address_does_not_know_is_refused_by_its_name_and_nobody_is_called(address, as_, upstreams) -> None:
    joint = "&" if "?" in address.path else "?"

    answer = address.asked_by(as_("admin"), f"{address.path}{joint}unknwon=1")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert answer.json()["errors"] == {"unknwon": ["Unknown query parameter."]}
    assert upstreams.asked == []


@pytest.mark.parametrize("path", ["auth/login", "auth/refresh", "auth/logout", "events"])
def test_addresses_that_are_open_to_all_refuse_it_too(path: str, as_) -> None:
    answer = as_(None).post(f"/api/v1/{path}?unknwon=1", {}, content_type="application/json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["unknwon"])


def test_the_openapi_document_refuses_it_too(as_) -> None:
    answer = as_(None).get("/api/v1/schema?lang=id")

    assert (answer.status_code, answer.json()["errors"]) == (400, {"lang": ["Unknown query parameter."]})


def test_who_may_not_is_not_told_what_an_address_knows(as_, upstreams) -> None:
    assert as_("other member").get("/api/v1/claims/m-1?unknwon=1").status_code == 403
    assert as_(None).get("/api/v1/claims/m-1?unknwon=1").status_code == 401


@pytest.mark.parametrize(
    ("address", "target"),
    [
        (
            "claims/m-1?service_date_from=2026-01-01&service_date_to=2026-01-31&status=paid",
            "/claims?member_id=m-1&status=paid&service_date_from=2026-01-01&service_date_to=2026-01-31&limit=20&offset=0",
        ),
        ("claims?service_date_from=2026-01-01", "/claims?service_date_from=2026-01-01&limit=20&offset=0"),
        ("members/m-1/notifications?unread=true", "/notifications?member_id=m-1&unread=true&limit=21"),
        ("members/m-1/notifications?unread=false&limit=5", "/notifications?member_id=m-1&unread=false&limit=6"),
        ("members/m-1/notifications", "/notifications?member_id=m-1&limit=21"),
    ],
)
def test_what_is_asked_for_reaches_the_service(address: str, target: str, as_, upstreams) -> None:
    assert as_("admin").get(f"/api/v1/{address}").status_code == 200
    unread = ["/notifications?member_id=m-1&unread=true&limit=100"] if "notifications" in address else []
    assert sorted(upstreams.targets) == sorted([target, *unread])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("claims/m-1", "claims/m-1?service_date_from=2026-01-01"),
        ("claims/m-1?service_date_from=2026-01-01", "claims/m-1?service_date_to=2026-01-01"),
        ("members/m-1/notifications", "members/m-1/notifications?unread=true"),
        ("members/m-1/notifications?unread=true", "members/m-1/notifications?unread=false"),
    ],
)
def test_answers_to_different_questions_are_kept_apart(one: str, other: str, as_, upstreams) -> None:
    admin = as_("admin")

    for address in (one, other, one, other):
        assert admin.get(f"/api/v1/{address}").status_code == 200

    assert len({target for target in upstreams.targets if "limit=100" not in target}) == 2
    assert len([target for target in upstreams.targets if "limit=100" not in target]) == 2


@pytest.mark.parametrize(
    "query",
    [
        "sections=member,recent_claims",
        "sections=member&sections=recent_claims",
        "sections=recent_claims,member&sections=member",
    ],
)
def test_names_are_separated_by_commas_or_repeated(query: str, as_, upstreams) -> None:
    answer = as_("member").get(f"/api/v1/dashboard/m-1?{query}").json()

    assert list(answer) == ["member", "recent_claims", "meta"]


@pytest.mark.parametrize("address", ["dashboard/m.1", "claims/m%201", f"members/{'m' * 65}", "claims/m-1/a%2Fb"])
def test_a_bad_id_in_an_address_is_not_found(address: str, as_, upstreams) -> None:
    answer = as_("admin").get(f"/api/v1/{address}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert upstreams.asked == []


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (LATE, 504, "upstream_timeout"),
        (REFUSED, 503, "upstream_unavailable"),
        (a_page(CLAIM | {"member_id": "m-2"}), 502, "upstream_bad_answer"),
        (b"<html>", 502, "upstream_bad_answer"),
    ],
)
def test_a_page_of_claims_fails_as_its_service_does(sent, status: int, code: str, as_, upstreams) -> None:
    upstreams.answers["listClaims"] = sent

    answer = as_("member").get("/api/v1/claims/m-1")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_page_of_claims_behind_an_open_breaker_fails_and_nobody_is_called(as_, upstreams) -> None:
    upstream("claims").breaker.open()

    answer = as_("member").get("/api/v1/claims/m-1")

    assert (answer.status_code, answer.json()["code"]) == (503, "circuit_open")
    assert upstreams.asked == []


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
            ["id", "name", "type", "location", "address", "phone", "is_active", "network_tier"],
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
    ("answer", "query", "has_more"),
    [
        ({"items": [CLAIM], "total": 1}, "", False),
        ({"items": [CLAIM], "total": 2}, "", True),
        ({"items": [CLAIM], "total": 2}, "?offset=1", False),
        ({"items": [CLAIM, {"id": "broken"}], "total": 2}, "", False),
        ({"items": [], "total": 9}, "?offset=20", False),
        ({"items": [CLAIM]}, "?limit=1", True),
        ({"items": [CLAIM]}, "?limit=2", False),
    ],
)
def test_a_page_says_whether_there_is_more_behind_it(answer, query: str, has_more: bool, as_, upstreams) -> None:
    upstreams.answers["listClaims"] = answer

    assert as_("member").get(f"/api/v1/claims/m-1{query}").json()["has_more"] is has_more


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
