"""Every operation of every contract is there, and answers as the contract says."""

from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest
import requests

from gateway_clients.conf import SERVICES
from sandbox.checking import BrokenAnswerError, check_answer
from sandbox.contract import load_contract
from sandbox.messages import Answer, json_answer
from sandbox.services import OPERATIONS
from sandbox.testing import Sandbox
from tests.sandbox.asking import ELIGIBILITY, NOTICE, UPLOAD, a_claim, key, submission


@dataclass(frozen=True)
class Example:
    """A request that an operation answers with `status`. `path` may name the status of one of m-1's claims."""

    status: int
    method: str
    path: str
    body: Any = None
    files: dict[str, Any] = field(default_factory=dict)


VALIDATION = {**ELIGIBILITY, "benefit_code": "CONS-GP", "amount": 100_000, "quantity": 1}
EXAMPLES: dict[tuple[str, str], Example] = {
    ("claims", "listClaims"): Example(200, "GET", "/claims?member_id=m-1&status=paid&limit=100"),
    ("claims", "submitClaim"): Example(201, "POST", "/claims", submission()),
    ("claims", "summarizeClaims"): Example(200, "GET", "/claims/summary?provider_id=prov-1"),
    ("claims", "getClaim"): Example(200, "GET", "/claims/clm-1"),
    ("claims", "cancelClaim"): Example(200, "POST", "/claims/{submitted}/cancel", {"reason": "paid it myself"}),
    ("claims", "appealClaim"): Example(200, "POST", "/claims/{rejected}/appeal", {"reason": "see the report"}),
    ("member", "searchMembers"): Example(200, "GET", "/members?q=rahayu&status=active"),
    ("member", "getMember"): Example(200, "GET", "/members/m-1"),
    ("member", "updateMemberContact"): Example(200, "PATCH", "/members/m-9", {"phone": "+62 000 1"}),
    ("provider", "searchProviders"): Example(200, "GET", "/providers?is_active=true&limit=100"),
    ("provider", "getProvider"): Example(200, "GET", "/providers/prov-40"),
    ("benefit", "listMemberBenefits"): Example(200, "GET", "/members/m-1/benefits"),
    ("benefit", "validateBenefit"): Example(200, "POST", "/benefits/validate", VALIDATION),
    ("policy", "getCoverage"): Example(200, "GET", "/members/m-1/coverage"),
    ("policy", "checkEligibility"): Example(200, "POST", "/eligibility/check", ELIGIBILITY),
    ("notification", "listNotifications"): Example(200, "GET", "/notifications?member_id=m-1&unread=true"),
    ("notification", "sendNotification"): Example(202, "POST", "/notifications", NOTICE),
    ("notification", "markNotificationRead"): Example(200, "POST", "/notifications/ntf-1/read"),
    ("payment", "listPayments"): Example(200, "GET", "/payments?member_id=m-1"),
    ("document", "listDocuments"): Example(200, "GET", "/documents?member_id=m-1"),
    ("document", "uploadDocument"): Example(201, "POST", "/documents", files=UPLOAD),
    ("document", "getDocument"): Example(200, "GET", "/documents/doc-1"),
    ("document", "downloadDocument"): Example(200, "GET", "/documents/doc-1/content"),
    **{(service, "health"): Example(200, "GET", "/health") for service in SERVICES},
}


def test_every_operation_of_the_contracts_has_an_example_and_a_function() -> None:
    declared = {(service, operation.id) for service in SERVICES for operation in load_contract(service).operations}

    assert set(EXAMPLES) == declared
    assert {(service, name) for service, table in OPERATIONS.items() for name in table} == {
        (service, name) for service, name in declared if name != "health"
    }


@pytest.mark.parametrize(("service", "operation_id"), EXAMPLES, ids=".".join)
def test_the_operation_answers_as_its_contract_says(
    sandbox: Sandbox, http: requests.Session, service: str, operation_id: str
) -> None:
    example = EXAMPLES[service, operation_id]
    path = example.path
    for status in ("submitted", "rejected"):
        if f"{{{status}}}" in path:
            path = path.replace(f"{{{status}}}", a_claim(sandbox, status)["id"])
    sandbox.reset()

    answer = http.request(
        example.method,
        sandbox.url(service) + path,
        json=example.body,
        files=example.files or None,
        headers=key() if example.method == "POST" else {},
        timeout=5,
    )

    assert answer.status_code == example.status, answer.text
    assert sandbox.calls(service).by_operation == {operation_id: 1}
    operation = next(one for one in load_contract(service).operations if one.id == operation_id)
    medias = operation.answers[str(example.status)]
    if not medias:
        assert answer.content == b""
        return
    media = medias[answer.headers["Content-Type"]]
    if media.content_type == "application/json":
        jsonschema.validate(answer.json(), media.schema, format_checker=jsonschema.FormatChecker())
        assert media.schema["type"] == "object"
    else:
        assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (json_answer({"items": []}), "'total'|total"),
        (json_answer({"items": [{"id": "clm-1"}], "total": 1}), "claim_number"),
        (json_answer({"items": [], "total": "1"}), "integer"),
        (json_answer({"items": [], "total": 1}, 201), "must not answer 201"),
        (Answer(200, b"<html>", "text/html"), "must not answer 200 as text/html"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_noticed(answer: Answer, complaint: str) -> None:
    operation = next(one for one in load_contract("claims").operations if one.id == "listClaims")

    with pytest.raises(BrokenAnswerError, match=complaint):
        check_answer(operation, answer)


def test_an_answer_that_breaks_the_contract_is_500_and_logged(
    sandbox: Sandbox, http: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    with sandbox.world.lock:
        sandbox.world.providers["prov-30"]["is_active"] = "perhaps"

    answer = http.get(f"{sandbox.url('provider')}/providers/prov-30", timeout=5)

    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert "getProvider" in caplog.text
