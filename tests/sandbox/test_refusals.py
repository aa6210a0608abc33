"""What breaks a contract, or cannot be, is refused with problem+json, and nothing is written."""

from typing import Any

import pytest
import requests

from sandbox.testing import Sandbox
from tests.sandbox.asking import ELIGIBILITY, NOTICE, UPLOAD, key, raw, submission


@pytest.mark.parametrize(
    ("service", "method", "target", "given", "status"),
    [
        ("claims", "GET", "/nothing", {}, 404),
        ("claims", "GET", "/claims/clm-1/", {}, 404),
        ("claims", "DELETE", "/claims/clm-1", {}, 405),
        ("claims", "GET", "/claims/clm-999999", {}, 404),
        ("claims", "GET", "/claims?limit=0", {}, 400),
        ("claims", "GET", "/claims?limit=101", {}, 400),
        ("claims", "GET", "/claims?limit=1e1", {}, 400),
        ("claims", "GET", "/claims?offset=-1", {}, 400),
        ("claims", "GET", "/claims?status=lost", {}, 400),
        ("claims", "GET", "/claims?service_date_from=yesterday", {}, 400),
        ("claims", "GET", "/claims?member=m-1", {}, 400),
        ("claims", "GET", "/claims?limit=1&limit=2", {}, 400),
        ("claims", "POST", "/claims", {"json": submission()}, 400),
        ("claims", "POST", "/claims", {"json": submission(), "headers": {"Idempotency-Key": "k" * 256}}, 400),
        ("claims", "POST", "/claims", {"data": b"{", "headers": {**key(), "Content-Type": "application/json"}}, 400),
        ("claims", "POST", "/claims", {"data": b"{}", "headers": {**key(), "Content-Type": "text/plain"}}, 415),
        ("claims", "POST", "/claims", {"json": submission(items=[]), "headers": key()}, 422),
        ("claims", "POST", "/claims", {"json": submission(member_id="m-0"), "headers": key()}, 422),
        ("claims", "POST", "/claims", {"json": submission(provider_id="prov-0"), "headers": key()}, 422),
        ("claims", "POST", "/claims", {"json": submission(provider_id="prov-14"), "headers": key()}, 422),
        ("claims", "POST", "/claims", {"json": submission(benefit_validations=[]), "headers": key()}, 422),
        ("claims", "POST", "/claims", {"json": submission(eligibility={"is_eligible": False}), "headers": key()}, 422),
        ("claims", "POST", "/claims", {"json": submission(service_date="2026-03-17"), "headers": key()}, 422),
        ("claims", "POST", "/claims/clm-1/appeal", {"json": {"reason": ""}, "headers": key()}, 422),
        ("member", "GET", "/members/m-301", {}, 404),
        ("member", "PATCH", "/members/m-1", {"json": {}}, 422),
        ("member", "PATCH", "/members/m-1", {"json": {"email": "nobody"}}, 422),
        ("member", "PATCH", "/members/m-1", {"json": {"first_name": "Sri"}}, 422),
        ("member", "PATCH", "/members/m-301", {"json": {"phone": "1"}}, 404),
        ("provider", "GET", "/providers/prov-41", {}, 404),
        ("provider", "GET", "/providers?is_active=yes", {}, 400),
        ("provider", "GET", "/providers?ids=" + ",".join(f"p{number}" for number in range(101)), {}, 400),
        ("benefit", "GET", "/members/m-301/benefits", {}, 404),
        ("policy", "GET", "/members/m-301/coverage", {}, 404),
        ("policy", "POST", "/eligibility/check", {"json": {**ELIGIBILITY, "service_date": "10-03-2026"}}, 422),
        ("policy", "POST", "/eligibility/check", {"json": {**ELIGIBILITY, "member_id": "m-301"}}, 404),
        ("notification", "POST", "/notifications", {"json": {**NOTICE, "channel": ["fax"]}, "headers": key()}, 422),
        ("notification", "POST", "/notifications/ntf-0/read", {}, 404),
        ("document", "GET", "/documents/doc-0/content", {}, 404),
        ("document", "POST", "/documents", {"files": {"member_id": (None, "m-1")}, "headers": key()}, 422),
        ("document", "POST", "/documents", {"files": {**UPLOAD, "claim_id": (None, "clm-0")}, "headers": key()}, 422),
    ],
)
def test_a_request_that_breaks_the_contract_is_refused(
    sandbox: Sandbox,
    http: requests.Session,
    service: str,
    method: str,
    target: str,
    given: dict[str, Any],
    status: int,
) -> None:
    earlier = sandbox.ledger(service)

    answer = http.request(method, sandbox.url(service) + target, timeout=5, **given)

    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert sandbox.ledger(service) == earlier


def test_what_is_no_request_is_400_and_the_connection_ends(sandbox: Sandbox) -> None:
    received, end = raw(sandbox.url("claims"), "/claims HTTP/1.1\r\nbad header\r\nX:")

    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert end == "closed"
    assert sandbox.calls("claims").total == 0


def test_calls_of_no_operation_are_counted_as_unknown(sandbox: Sandbox, http: requests.Session) -> None:
    http.get(f"{sandbox.url('claims')}/nothing", timeout=5)

    assert sandbox.calls("claims").by_operation == {"unknown": 1}
