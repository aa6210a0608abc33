"""Claims over REST: a page of them, one in detail, and what is shown when the claims service fails."""

import pytest

from gateway_clients.caching.lookups import LookupResult
from gateway_clients.pipeline.upstreams import upstream
from tests.support.answering import LATE, REFUSED
from tests.support.waiting import wait_until
from tests.upstream_answers import CLAIM, a_page


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
        "rejection_reason", "submitted_at", "provider", "items", "timeline", "actions", "meta",
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
    ("answer", "query", "has_more"),
    [
        ({"items": [CLAIM], "total": 1}, "", False),
        ({"items": [CLAIM], "total": 2}, "", True),
        ({"items": [CLAIM], "total": 2}, "?offset=1", False),
        ({"items": [CLAIM, {"id": "broken"}], "total": 2}, "", False),
        ({"items": [], "total": 9}, "?offset=20", False),
        ({"items": [CLAIM]}, "?limit=1", True),
        ({"items": [CLAIM]}, "?limit=2", False),
        ({"items": [CLAIM] * 3, "total": 3}, "?limit=2", True),
    ],
)
def test_a_page_says_whether_there_is_more_behind_it(answer, query: str, has_more: bool, as_, upstreams) -> None:
    upstreams.answers["listClaims"] = answer

    assert as_("member").get(f"/api/v1/claims/m-1{query}").json()["has_more"] is has_more
