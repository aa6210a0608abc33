"""One negotiation for REST, GraphQL, files and pages: q-values, empty headers, and headers of any size."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from gateway_clients.edge.errors import NotAcceptableError
from gateway_clients.edge.output.negotiation import best_type, language_of, likings_of, takes_gzip

JSON, YAML, PDF = "application/json", "application/yaml", "application/pdf"


@pytest.mark.parametrize(
    ("header", "best"),
    [
        ("", JSON),
        (" ", JSON),
        (",", JSON),
        ("*/*", JSON),
        ("*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("Application/JSON; charset=utf-7", JSON),
        (f"{YAML}, {JSON}", YAML),
        (f"{JSON}, {YAML}", JSON),
        (f"{JSON};q=0.5, {YAML}", YAML),
        (f"{JSON} ; Q=0.5 , {YAML};q=0.4", JSON),
        (f"{JSON};q=.5, {YAML};q=0.4", JSON),
        (f"{JSON};q=0, */*", YAML),
        (f"{JSON};q=0.000, application/*;q=0.1", YAML),
        (f"*/*;q=0.9, {YAML};q=0.1", JSON),
        (f"text/html, {YAML};q=nonsense", YAML),
        (f"{JSON};q=7, {YAML}", JSON),
        ("text/html, image/gif, *; q=.2, */*; q=.2", JSON),
    ],
)
def test_what_is_liked_best_is_chosen(header: str, best: str) -> None:
    assert best_type(header, (JSON, YAML)) == best


@pytest.mark.parametrize("header", ["text/html", f"{JSON};q=0", "*/*;q=0", f"{JSON};q=0, {YAML};q=0, */*", "json"])
def test_what_takes_nothing_that_there_is_is_told_so(header: str) -> None:
    with pytest.raises(NotAcceptableError):
        best_type(header, (JSON, YAML))


@pytest.mark.parametrize(
    ("header", "is_taken"),
    [
        ("gzip", True),
        ("br, GZip;q=0.5", True),
        ("x-gzip", True),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("gzip, *;q=0", True),
        ("", False),
        ("*", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;Q=0", False),
        ("gzip ; q = 0.000", False),
        ("gzip;level=9;Q=0", False),
        ("identity, gzip;q=0.5", False),
        ("gzipped", False),
    ],
)
def test_gzip_is_sent_to_who_asks_for_it(header: str, is_taken: bool) -> None:
    assert takes_gzip(header) is is_taken


SIZE = 300_000
LARGE = {
    "ranges": lambda size: "a/b," * (size // 4),
    "different ranges": lambda size: ",".join(f"a/{number};q=0.{number % 10}" for number in range(size // 12)),
    "parameters": lambda size: "application/json" + ";a=b" * (size // 4),
    "one name": lambda size: "a/" + "b" * size,
    "commas": lambda size: "," * size,
    "spaces": lambda size: "a/b" + " " * size + ";q=1",
    "digits": lambda size: "application/json;q=0." + "1" * size,
}


@pytest.mark.alone
@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_a_header_of_any_size_costs_next_to_nothing(make: Callable[[int], str]) -> None:
    header = make(SIZE)

    def seconds() -> float:
        began = time.process_time()
        likings_of(header)
        takes_gzip(header)
        return time.process_time() - began

    assert min(seconds() for _ in range(5)) < 0.01


@pytest.mark.alone
@pytest.mark.parametrize("method", ["get", "post"])
def test_graphql_answers_a_header_of_any_size_within_a_moment(method: str, portal: Client, db: None) -> None:
    query: dict[str, Any] = {"query": "{ __typename }"}
    header = "application/json;q=0.1," * (SIZE // 23)

    def seconds() -> float:
        began = time.process_time()
        answer = getattr(portal, method)("/graphql", query, content_type=JSON, headers={"Accept": header})
        assert answer.status_code == 200
        return time.process_time() - began

    assert min(seconds() for _ in range(5)) < 0.05


@pytest.mark.parametrize(
    ("accept", "shown"),
    [
        ("", JSON),
        ("application/json; charset=utf-7", JSON),
        ("application/vnd.oai.openapi+json; indent=4; charset=utf-7", "application/vnd.oai.openapi+json"),
        ("application/vnd.oai.openapi;q=0, application/json;q=0.1, */*;q=0.01", JSON),
        ("application/json;q=0.1, application/yaml;q=0.2", YAML),
        ("*/*; charset=utf-7", JSON),
        ("application/vnd.oai.openapi", "application/vnd.oai.openapi"),
    ],
)
def test_the_document_has_a_type_of_our_own(accept: str, shown: str, portal: Client) -> None:
    answer = portal.get("/api/v1/schema", headers={"Accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, shown)


@pytest.mark.parametrize(
    ("asked", "accept", "shown"),
    [
        ("json", "*/*", JSON),
        ("json", "text/html", JSON),
        ("json", YAML, JSON),
        ("yaml", JSON, YAML),
    ],
)
def test_a_link_may_say_the_documents_form(asked: str, accept: str, shown: str, portal: Client) -> None:
    answer = portal.get(f"/api/v1/schema?format={asked}", headers={"Accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, shown)
    assert answer.content.lstrip().startswith(b"{" if shown == JSON else b"openapi: 3.1")


@pytest.mark.parametrize("query", ["format=", "format=xml", "format=json&format=yaml"])
def test_a_form_that_the_document_does_not_have_is_bad_input(query: str, portal: Client) -> None:
    answer = portal.get(f"/api/v1/schema?{query}")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["format"])


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("id", "id"),
        ("ID", "id"),
        ("id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7", "id"),
        ("en-US,en;q=0.9,id;q=0.8", "en"),
        ("de, id;q=0.5", "id"),
        ("en;q=0.5, id;q=0.5", "en"),
        ("id;q=0", "en"),
        ("de", "en"),
        ("*", "en"),
        ("*;q=0.1, id", "id"),
        ("idx", "en"),
        (",;q=1,,", "en"),
    ],
)
def test_amounts_are_written_in_the_language_that_is_liked_best(header: str, language: str) -> None:
    assert language_of(header) == language


def test_the_document_is_not_sent_to_who_does_not_take_it(portal: Client) -> None:
    answer = portal.get("/api/v1/schema", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


@pytest.mark.urls("tests.edge.sample_urls")
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("application/json;q=0.1", 200),
        ("APPLICATION/JSON", 200),
        ("*/*;q=0", 406),
        ("application/json;q=0, */*", 406),
        ("application/problem+json", 406),
    ],
)
def test_rest_honours_q_values(accept: str, status: int, signed_in: Any) -> None:
    assert signed_in().get("/api/v1/sample-ping", headers={"Accept": accept}).status_code == status
