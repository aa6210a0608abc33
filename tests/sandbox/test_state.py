"""What is written stays written, is written once for one idempotency key, and conflicts as the contracts say."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from sandbox.testing import Sandbox
from tests.sandbox.asking import ELIGIBILITY, NOTICE, UPLOAD, a_claim, key, submission


def post(sandbox: Sandbox, service: str, path: str, **given: Any) -> requests.Response:
    given.setdefault("headers", key())
    return requests.post(sandbox.url(service) + path, timeout=5, **given)


def get(sandbox: Sandbox, service: str, path: str) -> Any:
    answer = requests.get(sandbox.url(service) + path, timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_submitted_claim_is_the_newest_of_its_day_and_in_the_ledger(sandbox: Sandbox) -> None:
    before = get(sandbox, "claims", "/claims/summary?member_id=m-2")["total"]
    header = key()

    made = post(
        sandbox, "claims", "/claims", json=submission(member_id="m-2", service_date="2026-03-15"), headers=header
    )

    claim = made.json()
    assert made.status_code == 201
    assert (claim["status"], claim["total_amount"], claim["claim_number"][:5]) == ("submitted", 300_000, "2026-")
    assert get(sandbox, "claims", f"/claims/{claim['id']}") == claim
    assert get(sandbox, "claims", "/claims?member_id=m-2&limit=1")["items"] == [claim]
    assert get(sandbox, "claims", "/claims/summary?member_id=m-2")["total"] == before + 1
    entry = sandbox.ledger("claims")[-1]
    assert (entry.operation, entry.id, entry.idempotency_key) == ("submitClaim", claim["id"], header["Idempotency-Key"])
    assert (
        get(sandbox, "notification", "/notifications?provider_id=prov-1&limit=1")["items"][0]["claim_id"] == claim["id"]
    )


def test_the_same_key_and_claim_answer_the_first_claim_again(sandbox: Sandbox) -> None:
    header = key()
    first = post(sandbox, "claims", "/claims", json=submission(), headers=header)
    again = post(sandbox, "claims", "/claims", json=submission(), headers=header)
    other = post(sandbox, "claims", "/claims", json=submission(notes="another"), headers=header)

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json() == first.json()
    mine = [entry for entry in sandbox.ledger("claims") if entry.idempotency_key == header["Idempotency-Key"]]
    assert [(entry.id, entry.repeats) for entry in mine] == [(first.json()["id"], 1)]


def test_twenty_at_once_with_one_key_make_one_claim(sandbox: Sandbox) -> None:
    header = key()
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: post(sandbox, "claims", "/claims", json=submission(), headers=header), range(20))
        )

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_refused_claim_may_be_sent_again_with_its_key(sandbox: Sandbox) -> None:
    header = key()
    refused = post(sandbox, "claims", "/claims", json=submission(items=[]), headers=header)
    made = post(sandbox, "claims", "/claims", json=submission(), headers=header)

    assert (refused.status_code, made.status_code) == (422, 201)


def test_only_a_submitted_claim_can_be_cancelled(sandbox: Sandbox) -> None:
    claim, header = a_claim(sandbox, "submitted"), key()
    path = f"/claims/{claim['id']}/cancel"

    cancelled = post(sandbox, "claims", path, json={"reason": "paid it myself"}, headers=header)
    again = post(sandbox, "claims", path, json={"reason": "paid it myself"}, headers=header)
    too_late = post(sandbox, "claims", path, json={})

    assert (cancelled.status_code, again.status_code, too_late.status_code) == (200, 200, 409)
    assert cancelled.json()["status"] == "cancelled"
    assert cancelled.json()["history"][-1]["note"] == "paid it myself"
    assert again.json() == cancelled.json()


def test_a_cancellation_needs_no_body(sandbox: Sandbox) -> None:
    claim = a_claim(sandbox, "submitted")

    assert post(sandbox, "claims", f"/claims/{claim['id']}/cancel").json()["status"] == "cancelled"


def test_one_key_for_two_claims_is_a_conflict(sandbox: Sandbox) -> None:
    header, body = key(), {"reason": "see the report"}
    first, second = get(sandbox, "claims", "/claims?status=rejected&limit=2")["items"]

    appealed = post(sandbox, "claims", f"/claims/{first['id']}/appeal", json=body, headers=header)
    reused = post(sandbox, "claims", f"/claims/{second['id']}/appeal", json=body, headers=header)

    assert (appealed.status_code, reused.status_code) == (200, 409)
    assert appealed.json()["status"] == "processing"
    assert appealed.json()["rejection_reason"] is None
    assert get(sandbox, "claims", f"/claims/{second['id']}") == second


@pytest.mark.parametrize("status", ["submitted", "processing", "approved", "paid", "cancelled"])
def test_only_a_rejected_claim_can_be_appealed(sandbox: Sandbox, status: str) -> None:
    claim = get(sandbox, "claims", f"/claims?status={status}&limit=1")["items"][0]

    answer = post(sandbox, "claims", f"/claims/{claim['id']}/appeal", json={"reason": "please"})

    assert answer.status_code == 409
    assert get(sandbox, "claims", f"/claims/{claim['id']}") == claim


def test_claims_are_listed_newest_service_date_first_page_by_page(sandbox: Sandbox) -> None:
    query = "/claims?member_id=m-1&status=paid"
    whole = get(sandbox, "claims", f"{query}&limit=100")
    pages = [get(sandbox, "claims", f"{query}&limit=7&offset={offset}")["items"] for offset in range(0, 100, 7)]
    dates = [claim["service_date"] for claim in whole["items"]]

    assert [claim for page in pages for claim in page] == whole["items"]
    assert whole["total"] == len(whole["items"]) > 7
    assert dates == sorted(dates, reverse=True)
    assert {(claim["member_id"], claim["status"]) for claim in whole["items"]} == {("m-1", "paid")}


def test_claims_can_be_asked_for_by_provider_and_service_date(sandbox: Sandbox) -> None:
    query = "/claims?provider_id=prov-1&service_date_from=2026-01-01&service_date_to=2026-01-31&limit=100"
    page = get(sandbox, "claims", query)
    wanted = [
        claim["id"] for claim in sandbox.world.listed_by_owner["prov-1"] if claim["service_date"].startswith("2026-01-")
    ]

    assert [claim["id"] for claim in page["items"]] == wanted
    assert page["total"] == len(wanted) > 0


def test_the_summary_counts_what_the_list_holds(sandbox: Sandbox) -> None:
    summary = get(sandbox, "claims", "/claims/summary?member_id=m-3")
    claims = get(sandbox, "claims", "/claims?member_id=m-3&limit=100")["items"]

    assert summary["total"] == len(claims)
    assert {row["status"]: (row["count"], row["total_amount"]) for row in summary["by_status"]} == {
        status: (len(amounts), sum(amounts))
        for status in {claim["status"] for claim in claims}
        if (amounts := [claim["total_amount"] for claim in claims if claim["status"] == status])
    }


def test_moving_a_claim_to_paid_pays_it_and_uses_the_benefit(sandbox: Sandbox) -> None:
    made = post(sandbox, "claims", "/claims", json=submission(member_id="m-4")).json()
    used = get(sandbox, "benefit", "/members/m-4/benefits")["items"][0]["used_amount"]

    moved = requests.post(
        f"{sandbox.url('claims')}/_sandbox/claims/{made['id']}/status", json={"status": "paid"}, timeout=5
    ).json()

    assert (moved["status"], moved["approved_amount"]) == ("paid", 300_000)
    payments = get(sandbox, "payment", f"/payments?claim_id={made['id']}")
    assert [(row["amount"], row["status"]) for row in payments["items"]] == [(300_000, "paid")]
    benefit = get(sandbox, "benefit", "/members/m-4/benefits")["items"][0]
    assert (benefit["code"], benefit["used_amount"]) == ("CONS-GP", used + 300_000)
    newest = get(sandbox, "notification", "/notifications?member_id=m-4&limit=1")["items"][0]
    assert (newest["type"], newest["claim_id"]) == ("claim_paid", made["id"])


@pytest.mark.parametrize(
    ("claim_id", "body", "status"), [("clm-1", {"status": "lost"}, 400), ("x", {"status": "paid"}, 404)]
)
def test_a_claim_cannot_be_moved_to_nowhere(sandbox: Sandbox, claim_id: str, body: Any, status: int) -> None:
    answer = requests.post(f"{sandbox.url('claims')}/_sandbox/claims/{claim_id}/status", json=body, timeout=5)

    assert answer.status_code == status


def test_a_changed_contact_stays_changed(sandbox: Sandbox) -> None:
    before = get(sandbox, "member", "/members/m-7")
    change = {"email": "new@example.com", "address": "Jl. Baru No. 1, Bogor"}

    answer = requests.patch(f"{sandbox.url('member')}/members/m-7", json=change, timeout=5)

    assert answer.json() == before | change
    assert get(sandbox, "member", "/members/m-7") == before | change
    assert get(sandbox, "member", "/members?q=new@example.com")["total"] == 1


def test_a_notification_is_read_by_its_owner_only(sandbox: Sandbox) -> None:
    unread = get(sandbox, "notification", "/notifications?member_id=m-1&unread=true&limit=100")["items"]
    path = f"/notifications/{unread[0]['id']}/read"

    assert post(sandbox, "notification", f"{path}?member_id=m-2", headers={}).status_code == 404
    assert post(sandbox, "notification", f"{path}?provider_id=prov-1", headers={}).status_code == 404
    assert get(sandbox, "notification", "/notifications?member_id=m-1&unread=true&limit=100")["items"] == unread
    for _ in range(2):
        assert post(sandbox, "notification", f"{path}?member_id=m-1", headers={}).json() == unread[0] | {
            "is_read": True
        }
    assert get(sandbox, "notification", "/notifications?member_id=m-1&unread=true&limit=100")["items"] == unread[1:]


def test_a_sent_notification_can_be_seen_and_is_sent_once_for_one_key(sandbox: Sandbox) -> None:
    header, notice = key(), NOTICE | {"claim_id": a_claim(sandbox, "paid")["id"]}
    before = len(sandbox.ledger("notification"))

    answers = [post(sandbox, "notification", "/notifications", json=notice, headers=header) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
    ledger = requests.get(f"{sandbox.url('notification')}/_sandbox/ledger", timeout=5).json()["entries"][before:]
    assert ledger == [
        {
            "operation": "sendNotification",
            "idempotency_key": header["Idempotency-Key"],
            "id": None,
            "body": notice,
            "repeats": 1,
        }
    ]
    newest = get(sandbox, "notification", "/notifications?member_id=m-1&limit=1")["items"][0]
    assert (newest["type"], newest["claim_id"]) == ("claim_submitted", notice["claim_id"])


@pytest.mark.parametrize("content", [b"", b"a", b"\r\n--x\r\n\r\n", bytes(range(256)) * 4096])
def test_an_uploaded_document_comes_back_byte_for_byte(sandbox: Sandbox, content: bytes) -> None:
    claim, header = a_claim(sandbox, "paid"), key()
    files = {"member_id": (None, "m-1"), "claim_id": (None, claim["id"]), "file": ("scan ü.png", content, "image/png")}

    made, again = (post(sandbox, "document", "/documents", files=files, headers=header) for _ in range(2))

    document = made.json()
    assert (made.status_code, again.status_code, again.json()) == (201, 201, document)
    assert (document["content_type"], document["size_bytes"], document["claim_id"]) == (
        "image/png",
        len(content),
        claim["id"],
    )
    assert get(sandbox, "document", f"/documents?claim_id={claim['id']}&limit=1")["items"] == [document]
    answer = requests.get(f"{sandbox.url('document')}/documents/{document['id']}/content", timeout=5)
    assert (answer.headers["Content-Type"], answer.content) == ("application/octet-stream", content)


def test_another_file_under_the_same_key_is_a_conflict(sandbox: Sandbox) -> None:
    header = key()
    first = post(sandbox, "document", "/documents", files=UPLOAD, headers=header)
    other = post(
        sandbox, "document", "/documents", files=UPLOAD | {"file": ("x.png", b"x", "image/png")}, headers=header
    )

    assert (first.status_code, other.status_code) == (201, 409)


def test_a_document_downloads_as_a_pdf_of_its_size(sandbox: Sandbox) -> None:
    document = get(sandbox, "document", "/documents?member_id=m-1&limit=100")["items"][-1]

    answer = requests.get(f"{sandbox.url('document')}/documents/{document['id']}/content", timeout=5)

    assert answer.headers["Content-Type"] == "application/pdf"
    assert len(answer.content) == document["size_bytes"] > 500
    assert answer.content.startswith(b"%PDF-1.4")
    assert answer.content.endswith(b"%%EOF\n")


def test_providers_come_in_a_batch_by_name(sandbox: Sandbox) -> None:
    page = get(sandbox, "provider", "/providers?ids=prov-3,prov-1,prov-999,prov-2")
    names = [provider["name"] for provider in page["items"]]

    assert {provider["id"] for provider in page["items"]} == {"prov-1", "prov-2", "prov-3"}
    assert (page["total"], names) == (3, sorted(names))
    assert get(sandbox, "provider", "/providers?is_active=false")["total"] == 4
    assert get(sandbox, "provider", "/providers?q=bandung")["total"] == 2


def test_members_are_found_by_name_e_mail_and_number(sandbox: Sandbox) -> None:
    siti = get(sandbox, "member", "/members/m-1")
    names = [row["last_name"] for row in get(sandbox, "member", "/members?limit=100")["items"]]

    for wanted in ("siti%20rahayu", "siti.rahayu@example.com", siti["member_number"]):
        assert siti in get(sandbox, "member", f"/members?q={wanted}")["items"]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("change", "covered", "reason"),
    [
        ({}, 300_000, None),
        ({"quantity": 1}, 150_000, None),
        ({"benefit_code": "HAIRCUT"}, 0, "The plan does not hold this benefit"),
    ],
)
def test_a_benefit_is_covered_or_not(
    sandbox: Sandbox, change: dict[str, Any], covered: int, reason: str | None
) -> None:
    question = {**ELIGIBILITY, "benefit_code": "CONS-GP", "amount": 150_000, "quantity": 2} | change

    verdict = post(sandbox, "benefit", "/benefits/validate", json=question, headers={}).json()

    assert (verdict["is_covered"], verdict["coverage_amount"], verdict["reason"]) == (reason is None, covered, reason)


def test_eligibility_is_refused_with_the_reason(sandbox: Sandbox) -> None:
    with sandbox.world.lock:
        expired = next(member for member, row in sandbox.world.coverages.items() if row["status"] == "expired")
        sandbox.world.members[expired]["status"] = "active"
        expiry = sandbox.world.coverages[expired]["expiry_date"]

    refused = post(
        sandbox, "policy", "/eligibility/check", json=ELIGIBILITY | {"member_id": expired}, headers={}
    ).json()
    allowed = post(sandbox, "policy", "/eligibility/check", json=ELIGIBILITY, headers={}).json()

    assert (refused["is_eligible"], refused["reason"], refused["coverage"]) == (
        False,
        f"Coverage expired on {expiry}",
        "none",
    )
    assert (allowed["is_eligible"], allowed["reason"]) == (True, None)
