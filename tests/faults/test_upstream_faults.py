"""Every way in which an upstream can fail, against a running gateway: in budget, told rightly, no leak, counted."""

import json
from collections.abc import Callable
from typing import Final

import pytest

from tests.faults import wire
from tests.faults.conftest import BREAKER_FAILURES, READ_BUDGET_SECONDS, UPSTREAM_TIMEOUT_SECONDS, Site
from tests.faults.rows import COUNTED, PAUSES, UNCOUNTED, Row
from tests.faults.wire import INNER_WORDS
from tests.support.gateway import Reply, forget_peak, resident_bytes
from tests.support.upstream import RawUpstream, hangs
from tests.support.waiting import wait_until

DASHBOARD: Final = "/api/v1/dashboard/m-1"
LIST: Final = "/api/v1/claims/m-1"
DETAIL: Final = "/api/v1/claims/m-1/clm-1"
IN_BUDGET: Final = READ_BUDGET_SECONDS + 0.5
OTHERS: Final = ("member", "benefits_summary", "coverage_status", "notifications")
HEADERS: Final = {
    "cache-control",
    "cache-status",
    "content-length",
    "content-type",
    "cross-origin-resource-policy",
    "date",
    "etag",
    "ratelimit",
    "ratelimit-policy",
    "referrer-policy",
    "retry-after",
    "server",
    "server-timing",
    "vary",
    "x-content-type-options",
    "x-request-id",
}


def assert_in_budget(reply: Reply) -> None:
    assert reply.seconds <= IN_BUDGET


def assert_nothing_leaks(site: Site, reply: Reply) -> None:
    """Neither an address, a header, words of the upstream, another member's data, nor a traceback."""
    for secret in (INNER_WORDS, f":{site.claims.port}", "127.0.0.1", "10.0.0.7", "Traceback", '"m-2"', "clm-9"):
        assert secret not in reply.text
    assert set(reply.headers) <= HEADERS


def assert_problem(site: Site, reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["request_id"] == reply.headers["x-request-id"]
    assert 1 <= int(reply.headers.get("retry-after", 0 if status == 503 else 1)) <= 60
    assert_in_budget(reply)
    assert_nothing_leaks(site, reply)


def assert_claims_are_missing(site: Site, reply: Reply, code: str) -> None:
    """The view shows, with all but the claims, and says so; the other upstreams' answers came as fast as ever."""
    sections = reply.json["meta"]["sections"]
    assert reply.status == 200
    assert reply.json["recent_claims"] is None
    assert (sections["recent_claims"]["state"], sections["recent_claims"]["error"]) == ("unavailable", code)
    assert {sections[name]["state"] for name in OTHERS} <= {"fresh", "cached"}
    assert all(reply.json[name] for name in ("member", "benefits_summary", "coverage_status"))
    assert reply.json["meta"]["complete"] is False
    others = [entry for entry in reply.headers["server-timing"].split(", ") if not entry.startswith("claims")]
    assert len(others) == 4
    took_ms = [float(entry.partition("dur=")[2].partition(";")[0]) for entry in others]
    assert max(took_ms) < UPSTREAM_TIMEOUT_SECONDS * 1000
    assert_in_budget(reply)
    assert_nothing_leaks(site, reply)


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: row.name)
def test_a_fault_costs_its_section_in_budget_and_the_breaker_counts_it(site: Site, row: Row) -> None:
    status, code = row.told
    row.break_(site.claims)

    assert_claims_are_missing(site, site.get(DASHBOARD), code)
    assert_problem(site, site.get(LIST), status, code)
    assert_problem(site, site.get(DETAIL), status, code)

    asked = site.claims.count
    assert_problem(site, site.get(LIST), 503, "circuit_open")
    assert_claims_are_missing(site, site.get(DASHBOARD), "circuit_open")
    assert site.claims.count == asked <= BREAKER_FAILURES
    assert INNER_WORDS not in site.gateway.output
    assert '"status":500' not in site.gateway.output


@pytest.mark.parametrize("row", UNCOUNTED, ids=lambda row: row.name)
def test_a_refusal_is_an_answer_that_the_breaker_does_not_count(site: Site, row: Row) -> None:
    status, code = row.told
    row.break_(site.claims)

    assert_claims_are_missing(site, site.get(DASHBOARD), code)
    for _ in range(BREAKER_FAILURES + 1):
        reply = site.get(LIST)
        assert_problem(site, reply, status, code)
        assert "www-authenticate" not in reply.headers
    assert site.claims.count == BREAKER_FAILURES + 2


@pytest.mark.parametrize("asked_for", PAUSES)
def test_a_429_pauses_the_upstream_for_what_it_asks_within_reason(site: Site, asked_for: str) -> None:
    retry_after, least, most = PAUSES[asked_for]
    headers = {} if retry_after is None else {"Retry_After": retry_after}
    site.claims.say(wire.status("429 Too Many Requests", **headers))

    assert_problem(site, site.get(LIST), 503, "upstream_busy")
    reply = site.get(LIST)

    assert_problem(site, reply, 503, "upstream_busy")
    assert least <= int(reply.headers["retry-after"]) <= most
    assert site.claims.count == 1


def test_a_404_is_an_answer(site: Site) -> None:
    site.claims.say(wire.status("404 Not Found"))

    reply = site.get(DASHBOARD)

    assert_problem(site, site.get(DETAIL), 404, "not_found")
    assert reply.json["recent_claims"] is None
    assert reply.json["meta"]["sections"]["recent_claims"] == {"state": "fresh", "age": 0}


def test_a_kept_connection_that_was_closed_costs_nobody_an_error(site: Site) -> None:
    site.claims.say(wire.ends_idle)

    for number in range(6):
        assert site.get(DASHBOARD, Cache_Control="no-cache").states["recent_claims"] == "fresh"
        assert site.get(f"{LIST}?offset={number}").status == 200

    assert site.claims.count == 12


def test_connections_that_were_closed_while_they_were_idle_cost_nobody_an_error(site: Site) -> None:
    for number in range(3):
        assert site.get(DASHBOARD, Cache_Control="no-cache").states["recent_claims"] == "fresh"
        assert site.get(f"{LIST}?offset={number}").status == 200
        site.claims.hang_up()

    assert site.claims.count == 6


@pytest.mark.parametrize(
    "spoil",
    [
        lambda claim: claim.pop("claim_number"),
        lambda claim: claim.update(status=None),
        lambda claim: claim.update(total_amount="much"),
        lambda claim: claim.update(service_date="2026-13-01"),
    ],
    ids=["left out", "null", "another type", "no date"],
)
def test_one_broken_claim_costs_that_claim(site: Site, spoil: Callable[[dict[str, object]], None]) -> None:
    site.claims.say(wire.spoils(spoil, items=1))

    reply, page = site.get(DASHBOARD), site.get(LIST)

    assert [claim["id"] for claim in reply.json["recent_claims"]] == ["clm-2", "clm-3", "clm-4", "clm-5"]
    assert reply.json["meta"]["sections"]["recent_claims"] == {"state": "fresh", "age": 0, "omitted": 1}
    assert [claim["id"] for claim in page.json["claims"]] == ["clm-2", "clm-3", "clm-4", "clm-5"]
    assert page.json["meta"]["sections"]["claims"]["omitted"] == 1
    assert site.gateway.metric("upstream_answer_drift_total", service="claims", field="(item)") >= 1


def test_an_optional_field_of_another_type_costs_that_field(site: Site) -> None:
    site.claims.say(wire.spoils(lambda claim: claim.update(provider="RS Sehat", approved_amount="much")))

    page, detail = site.get(LIST), site.get(DETAIL)

    assert [claim["provider_name"] for claim in page.json["claims"]] == [None] * 5
    assert (detail.status, detail.json["approved_amount"], detail.json["provider"]) == (200, None, None)


def test_a_status_that_nobody_knows_is_shown_as_unknown(site: Site) -> None:
    site.claims.say(wire.spoils(lambda claim: claim.update(status=INNER_WORDS)))

    page, detail = site.get(LIST), site.get(DETAIL)

    assert [(claim["status"], claim["status_color"]) for claim in page.json["claims"]] == [("unknown", "gray")] * 5
    assert (detail.json["status"], detail.json["actions"]) == ("unknown", [])
    assert_nothing_leaks(site, page)


def test_an_answer_about_somebody_else_is_not_kept_and_stands_in_the_security_log(site: Site) -> None:
    site.claims.say(wire.spoils(lambda claim: claim.update(member_id="m-2", claim_number=INNER_WORDS), items=1))

    assert_problem(site, site.get(LIST), 502, "upstream_bad_answer")
    site.claims.say(wire.well)
    reply = site.get(LIST)

    assert [claim["member_id"] for claim in reply.json["claims"]] == ["m-1"] * 5
    assert "upstream.foreign_answer" in site.gateway.output


def test_a_foreign_claim_under_the_right_number_is_nobodys(site: Site) -> None:
    site.claims.say(wire.spoils(lambda claim: claim.update(member_id="m-2")))

    assert_problem(site, site.get(DETAIL), 404, "not_found")


def test_a_redirect_is_not_followed(site: Site) -> None:
    elsewhere = RawUpstream(wire.well)
    site.claims.say(wire.status("307 Temporary Redirect", Location=f"{elsewhere.url}/claims"))

    assert_claims_are_missing(site, site.get(DASHBOARD), "upstream_bad_answer")
    assert_problem(site, site.get(LIST), 502, "upstream_bad_answer")

    assert elsewhere.count == 0
    elsewhere.refuse()


def test_cookies_and_headers_of_the_inside_are_stripped_and_never_sent_back(site: Site) -> None:
    inner = {
        "Set-Cookie": f"inner={INNER_WORDS}; Path=/",
        "X-Inner-Host": INNER_WORDS,
        "Server": INNER_WORDS,
        "X-Powered-By": INNER_WORDS,
        "Via": INNER_WORDS,
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "public, max-age=99",
    }
    page = json.dumps(wire.right_answer("/claims")).encode()
    site.claims.say(wire.says(page, headers=inner))

    for number in range(3):
        replies = (site.get(DASHBOARD, Cache_Control="no-cache"), site.get(f"{LIST}?offset={number}"))
        for reply in replies:
            assert reply.status == 200
            assert "set-cookie" not in reply.headers
            assert reply.headers["cache-control"] == "private, no-store"
            assert_nothing_leaks(site, reply)
    assert [asked.headers.get("cookie") for asked in site.claims.asked] == [None] * 6


def test_upstreams_see_nothing_of_the_portals_own_headers(site: Site) -> None:
    site.get(LIST, Cookie="portal=1", X_Forwarded_For="10.1.1.1", X_Other="portal", X_Request_ID="portals-own-id")

    (asked,) = site.claims.asked

    assert asked.headers["x-request-id"] == "portals-own-id"
    assert 0 < int(asked.headers["x-request-timeout-ms"]) <= READ_BUDGET_SECONDS * 1000
    assert set(asked.headers) == {
        "accept",
        "accept-encoding",
        "host",
        "traceparent",
        "user-agent",
        "x-on-behalf-of",
        "x-request-id",
        "x-request-timeout-ms",
    }


def test_large_answers_take_little_memory(site: Site) -> None:
    (worker,) = site.gateway.workers
    assert site.get(DASHBOARD).status == 200
    before = resident_bytes(worker)
    forget_peak(worker)

    for script in (
        wire.says(wire.with_spaces(50_000_000)),
        wire.says(wire.BOMB, headers={"Content-Encoding": "gzip"}),
    ):
        site.heal()
        site.claims.say(script)
        assert site.get(DASHBOARD, Cache_Control="no-cache").states["recent_claims"] == "unavailable"
        assert site.get(LIST).status == 502

    assert resident_bytes(worker, "VmHWM") - before < 40_000_000


def test_a_portal_in_a_hurry_gets_its_answer_in_its_own_budget(site: Site) -> None:
    site.claims.say(hangs)

    reply = site.get(LIST, X_Request_Timeout_Ms="200")

    assert_problem(site, reply, 504, "deadline_exceeded")
    assert reply.seconds <= 0.2 + 0.5


def test_the_last_good_answer_is_shown_with_its_age_while_the_upstream_is_down(site: Site) -> None:
    assert site.get(LIST).status == 200
    site.claims.say(wire.status("500 Internal Server Error"))

    reply = wait_until(lambda: _of_age(site.get(LIST, Cache_Control="no-cache"), 1), seconds=5)

    assert reply.states == {"claims": "stale"}
    assert len(reply.json["claims"]) == 5
    assert reply.json["meta"]["complete"] is False


def _of_age(reply: Reply, seconds: int) -> Reply | None:
    return reply if reply.json["meta"]["sections"]["claims"]["age"] >= seconds else None
