"""Submitting a claim, as a portal meets it, against services that really answer."""

import datetime
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from claims.models import Submission
from claims.submissions.commands import GivenClaim
from claims.submissions.preconditions import checked_claim
from gateway_clients.caching.store import default_cache
from gateway_clients.gateway import Gateway
from gateway_clients.models import OutboxMessage
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.claims import NewClaimItem
from tests.writes.portal import ITEM, SERVICE_DATE, a_claim, post, submit

pytestmark = pytest.mark.django_db

#: service → the operation that a submission asks of it, in order
ASKED = {"policy": "checkEligibility", "provider": "getProvider", "benefit": "validateBenefit", "claims": "submitClaim"}


def calls(sandbox) -> dict[str, int]:
    """How often each service was asked, those that were."""
    return {service: total for service in ASKED if (total := sandbox.calls(service).total)}


def test_a_claim_is_submitted_and_shown_whole(portal, written) -> None:
    answer = submit(portal(), a_claim(notes="Fever"), key="k-1")

    shown = answer.json()
    assert answer.status_code == 201, answer.content
    assert (shown["member_id"], shown["provider_id"], shown["status"]) == ("m-1", "prov-1", "submitted")
    assert shown["actions"] == ["cancel", "upload_document"]
    assert answer.headers["Location"] == f"/api/v1/claims/m-1/{shown['id']}"
    assert "Idempotency-Replayed" not in answer.headers
    assert [entry.id for entry in written()] == [shown["id"]]


def test_what_of_the_new_claim_could_not_be_read_is_told_to_each_who_asks(portal, sandbox) -> None:
    sandbox.fault("claims", "wrong_type", operation="submitClaim", field="items")
    sandbox.fault("claims", "wrong_type", operation="cancelClaim", field="provider")
    client = portal()

    first, again = submit(client, key="k-1"), submit(client, key="k-1")
    looked_at = client.get(f"/api/v1/claims/submissions/{Submission.objects.get().pk}")
    query = f'mutation {{ cancelClaim(memberId: "m-1", claimId: "{first.json()["id"]}") {{ id }} }}'
    cancelled = client.post("/graphql", {"query": query}, content_type="application/json")

    assert (first.status_code, first.json()["items"], first.json()["meta"]["complete"]) == (201, [], False)
    assert first.json()["meta"]["sections"] == {"claim": {"state": "fresh", "age": 0, "drifted": ["items"]}}
    assert again.content == first.content
    assert looked_at.json()["claim"] == first.json()
    sections = cancelled.json()["extensions"]["sections"]
    assert sections == {"cancelClaim": {"claim": {"state": "fresh", "age": 0, "drifted": ["provider"]}}}


def test_the_claims_service_gets_the_answers_of_all_in_the_order_of_the_items(portal, written) -> None:
    client = portal("provider")
    codes = ["PHYSIO", "NO-SUCH-BENEFIT", "CONS-GP"]
    items = [{"benefit_code": code, "amount": 1000, "quantity": 2, "description": "a"} for code in codes]

    assert submit(client, a_claim(items=items, diagnosis_code="J06.9")).status_code == 201

    (entry,) = written()
    sent = entry.body
    assert [item["benefit_code"] for item in sent["items"]] == codes
    assert [answer["benefit_code"] for answer in sent["benefit_validations"]] == codes
    assert [answer["is_covered"] for answer in sent["benefit_validations"]] == [True, False, True]
    assert sent["eligibility"]["is_eligible"] is True
    assert (sent["submitted_by"], sent["diagnosis_code"]) == (client.account_id, "J06.9")
    assert entry.idempotency_key == Submission.objects.get().upstream_key


def test_each_service_is_asked_fresh_once_on_behalf_of_the_account(portal, sandbox) -> None:
    client = portal()
    client.get("/api/v1/providers/prov-1")
    sandbox.reset()

    for _ in range(2):
        assert submit(client).status_code == 201

    for service, operation in ASKED.items():
        report = sandbox.calls(service)
        assert report.by_operation == {operation: 2}
        assert report.last_headers[operation]["x-on-behalf-of"] == client.account_id


def test_a_member_who_is_not_eligible_ends_it_before_anybody_else_is_asked(portal, sandbox) -> None:
    answer = submit(portal("admin"), a_claim(member_id="m-38"))

    shown = answer.json()
    assert (answer.status_code, shown["code"]) == (400, "member_not_eligible")
    assert shown["detail"] == "Member not eligible: Coverage is suspended"
    assert calls(sandbox) == {"policy": 1}


def test_an_inactive_provider_ends_it_before_any_benefit_is_asked_for(portal, sandbox) -> None:
    answer = submit(portal(), a_claim(provider_id="prov-14"))

    shown = answer.json()
    assert (answer.status_code, shown["code"]) == (400, "provider_not_active")
    assert shown["detail"] == "Provider is not active"
    assert calls(sandbox) == {"policy": 1, "provider": 1}


@pytest.mark.parametrize(
    ("changes", "field"), [({"member_id": "m-none"}, "member_id"), ({"provider_id": "prov-none"}, "provider_id")]
)
def test_ids_that_nobody_has_are_bad_input(portal, sandbox, changes, field) -> None:
    answer = submit(portal("admin"), a_claim(**changes), key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert list(answer.json()["errors"]) == [field]
    assert "claims" not in calls(sandbox)
    assert not Submission.objects.exists()


@pytest.mark.parametrize("service", ["policy", "provider", "benefit"])
@pytest.mark.parametrize(("kind", "status", "code"), [("down", 503, "upstream_unavailable"), ("hang", 504, None)])
def test_a_check_that_is_unavailable_sends_nothing_and_keeps_nothing(
    portal, sandbox, settings, service, kind, status, code
) -> None:
    client = portal()
    sandbox.fault(service, kind)
    setattr(settings, f"{service.upper()}_UPSTREAM_TIMEOUT_SECONDS", 0.3)

    answer = submit(client, key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (status, code or "upstream_timeout")
    assert "claims" not in calls(sandbox)
    sandbox.clear()
    setattr(settings, f"{service.upper()}_UPSTREAM_TIMEOUT_SECONDS", 2.0)
    assert submit(client, key="k-1").status_code == 201


def test_a_refused_connection_is_503_and_the_same_key_may_try_again(portal, sandbox, written) -> None:
    client = portal()
    sandbox.refuse("claims")

    answer = submit(client, key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert not Submission.objects.exists()
    assert not OutboxMessage.objects.exists()
    sandbox.clear()
    answer = submit(client, key="k-1")
    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (201, False)
    assert len(written()) == 1


def test_behind_an_open_breaker_nothing_is_sent(portal, sandbox, settings) -> None:
    settings.BREAKER_FAILURES = 1
    client = portal()
    sandbox.refuse("claims")
    submit(client)
    sandbox.clear()
    sandbox.reset()

    answer = submit(client, key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (503, "circuit_open")
    assert answer.json()["detail"] == "Claims service temporarily unavailable"
    assert "claims" not in calls(sandbox)
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    ("upstream", "status", "code", "is_kept"),
    [
        (400, 422, "upstream_refused", True),
        (422, 422, "upstream_refused", True),
        (409, 409, "conflict", True),
        (401, 502, "upstream_bad_answer", False),
        (403, 502, "upstream_bad_answer", False),
        (429, 503, "upstream_busy", False),
    ],
)
def test_what_the_claims_service_refuses(portal, sandbox, upstream, status, code, is_kept) -> None:
    sandbox.fault("claims", "status", status=upstream)

    answer = submit(portal(), key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "a fault was asked for" not in answer.content.decode()
    assert Submission.objects.exists() is is_kept
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(
    ("who", "changes", "status"),
    [
        ("member", {}, 201),
        ("member", {"member_id": "m-2"}, 403),
        ("provider", {}, 201),
        ("provider", {"provider_id": "prov-2"}, 403),
        ("admin", {"member_id": "m-2", "provider_id": "prov-2"}, 201),
        ("nobody", {}, 403),
    ],
)
def test_who_may_submit_what(portal, sandbox, who, changes, status) -> None:
    answer = submit(portal(who), a_claim(**changes))

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["detail"] == "Access denied"
        assert calls(sandbox) == {}


def test_without_a_token_nothing_is_asked(client, db, sandbox) -> None:
    assert post(client, "claims", a_claim()).status_code == 401
    assert calls(sandbox) == {}


def test_the_writers_next_read_shows_it(portal, later) -> None:
    member, provider = portal(), portal("provider")
    pages = [
        (member, "claims/m-1?limit=1", lambda shown: shown["total"]),
        (member, "members/m-1", lambda shown: shown["claims"]["total"]),
        (provider, "claims?provider_id=prov-1&limit=1", lambda shown: shown["total"]),
        (provider, "claims/m-1?limit=1", lambda shown: shown["total"]),
        (provider, "providers/prov-1/dashboard", lambda shown: shown["claims_summary"]["total"]),
    ]
    read = [
        lambda client=client, page=page, of=of: of(client.get(f"/api/v1/{page}").json()) for client, page, of in pages
    ]
    before = [each() for each in read]
    assert [each() for each in read] == before

    assert submit(member).status_code == 201

    assert [each() for each in read] == [total + 1 for total in before]


def test_redis_down_changes_nothing(portal, written, monkeypatch, later) -> None:
    client = portal()
    monkeypatch.setattr(default_cache().circuit, "_is_down", True)

    first, again = submit(client, key="k-1"), submit(client, key="k-1")

    assert (first.status_code, again.content) == (201, first.content)
    assert len(written()) == 1


def test_those_that_come_at_once_wait_for_a_place_at_a_busy_service(sandbox, written, settings) -> None:
    """Three times as many questions as the gateway may ask a service at once, and none is told that it is busy."""
    settings.BULKHEAD_LIMIT = 12
    sandbox.fault("benefit", "delay", delay_seconds=0.05)
    given = GivenClaim(
        member_id="m-1",
        provider_id="prov-1",
        service_date=datetime.date.fromisoformat(SERVICE_DATE),
        items=(NewClaimItem(benefit_code="CONS-GP", amount=1000),) * 12,
    )

    def check(number: int) -> int:
        gateway = Gateway(request_id=f"request-{number}", deadline=Deadline.after(10))
        return len(checked_claim(gateway, given, submitted_by="1").benefit_validations)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(check, range(3))) == [12, 12, 12]

    assert sandbox.calls("benefit").peak_in_flight <= 12


@pytest.mark.alone
def test_twenty_items_cost_about_two_validations(portal, sandbox) -> None:
    client = portal()
    submit(client)
    sandbox.reset()
    sandbox.fault("benefit", "delay", delay_seconds=0.2)

    began = time.monotonic()
    answer = submit(client, a_claim(items=[ITEM] * 20))
    seconds = time.monotonic() - began

    assert answer.status_code == 201
    assert 0.4 <= seconds < 0.8
    assert sandbox.calls("benefit").by_operation == {"validateBenefit": 20}
    assert sandbox.calls("benefit").peak_in_flight == 10
