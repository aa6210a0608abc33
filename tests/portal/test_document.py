"""The OpenAPI document tells of every address what it takes and what it answers, and the answers hold to it."""

from typing import Any

import jsonschema
import pytest
from django.test import Client

from tests.portal.address import Address
from tests.portal.addresses import ADDRESSES
from tests.upstream_answers import NOTIFICATION

PREFIX = "/api/v1/"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = Client().get("/api/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200
    return answer.json()


READING = [each for each in ADDRESSES if each.status in {200, 201} and not each.pattern.endswith("/content")]


def operation_of(document: dict[str, Any], address: Address) -> dict[str, Any]:
    pattern = address.pattern.replace("<id:", "{").replace(">", "}")
    return document["paths"][PREFIX + pattern][address.method]


@pytest.mark.parametrize("address", READING, ids=str)
def test_an_answer_is_what_the_document_says(address: Address, document, as_, upstreams) -> None:
    upstreams.answers["listNotifications"] = {"items": [{**NOTIFICATION, "member_id": None}]}
    content = operation_of(document, address)["responses"][str(address.status)]["content"]

    answer = address.asked_by(as_("admin"))

    assert answer.status_code == address.status
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_an_address_is_described_with_its_errors(address: Address, document) -> None:
    operation = operation_of(document, address)
    described = set(operation["responses"])

    assert {"400", "401", "403", "404", "429", "500", "502", "503", "504"} <= described
    assert {status for status in described if status.startswith("2")} >= {"200"} or address.status == 201
    assert operation["description"]
    assert operation["security"] == [{"session_cookie": []}, {"access_token": []}]


@pytest.mark.parametrize("address", [each for each in ADDRESSES if each.method != "get"], ids=str)
def test_a_write_is_described_with_what_it_takes_and_how_it_is_refused(address: Address, document) -> None:
    operation = operation_of(document, address)

    assert {"409", "422"} <= set(operation["responses"])
    assert ("requestBody" in operation) is bool(address.send)


def test_bytes_are_described_by_their_kinds(document) -> None:
    path = document["paths"][f"{PREFIX}members/{{member_id}}/documents/{{document_id}}/content"]
    content = path["get"]["responses"]["200"]["content"]

    assert set(content) == {"application/pdf", "image/jpeg", "image/png", "application/octet-stream"}
    assert content["application/pdf"]["schema"] == {"type": "string", "format": "binary"}


def test_operations_have_names_of_their_own(document) -> None:
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]

    assert len(names) == len(set(names))
    assert not [name for name in names if name.endswith("_2")]


def test_what_must_be_given_is_marked(document) -> None:
    operation = document["paths"]["/api/v1/members/{member_id}/eligibility"]["get"]

    assert {parameter["name"] for parameter in operation["parameters"] if parameter.get("required")} == {
        "member_id",
        "provider_id",
        "service_date",
    }
