"""Every operation of every contract is there, and answers as the contract says."""

import jsonschema
import pytest
import requests

from gateway_clients.conf import SERVICES
from sandbox.checking import BrokenAnswerError, check_answer
from sandbox.contract import load_contract
from sandbox.messages import Answer, json_answer
from sandbox.services import OPERATIONS
from sandbox.testing import Sandbox
from tests.sandbox.asking import a_claim, key
from tests.upstreams import UPSTREAMS
from tests.upstreams.samples import Example

EXAMPLES: dict[tuple[str, str], Example] = {
    (service, operation): example
    for service, samples in UPSTREAMS.items()
    for operation, example in {**samples.examples, "health": Example(200, "GET", "/health")}.items()
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
