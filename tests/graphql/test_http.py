"""GraphQL over HTTP: methods, types, parameters, statuses."""

import hashlib
import json
from typing import Any

import pytest
from django.test import Client

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
OK = {"data": {"__typename": "Query"}}


@pytest.fixture
def client(as_) -> Client:
    return as_(None)


def post(client: Client, body: Any, **headers: str) -> Any:
    sent = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post("/graphql", sent, content_type=headers.pop("content_type", JSON), headers=headers)


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", JSON),
        ("*/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{JSON};q=0.5, {GRAPHQL};q=0.9", GRAPHQL),
        (f"{GRAPHQL}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", GRAPHQL),
        ("application/*", JSON),
        ("text/html;q=0.1, */*;q=0.2", JSON),
        (f"{JSON};Q=0, */*", GRAPHQL),
        (f"{GRAPHQL.upper()};charset=utf-8", GRAPHQL),
    ],
)
def test_the_answer_has_the_type_that_is_liked_best(client, accept: str, answered: str) -> None:
    answer = post(client, {"query": "{ __typename }"}, accept=accept)

    assert (answer.status_code, answer["Content-Type"], answer.json()) == (200, answered, OK)


def test_a_portal_that_takes_neither_type_is_told_so(client) -> None:
    answer = post(client, {"query": "{ __typename }"}, accept="text/csv")

    assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")


def test_a_query_may_be_a_get(client) -> None:
    answer = client.get("/graphql", {"query": "query($a: Boolean!) { b: __typename @include(if: $a) }",
                                     "variables": '{"a": true}'})  # fmt: skip

    assert (answer.status_code, answer.json()) == (200, {"data": {"b": "Query"}})


def test_a_mutation_by_get_is_405(client) -> None:
    answer = client.get("/graphql", {"query": 'mutation { logout(refreshToken: "x") }'})

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert answer.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("who", [None, "member"])
@pytest.mark.parametrize(
    "body",
    [
        {"query": "subscription { x }"},
        {"query": "subscription { __typename }"},
        {"query": "query A { __typename } subscription B { x }", "operationName": "B"},
    ],
)
def test_a_subscription_is_refused_as_graphql_refuses(as_, who: str | None, body: dict[str, Any]) -> None:
    answer = post(as_(who), body, accept=GRAPHQL)

    assert (answer.status_code, answer["Content-Type"]) == (400, GRAPHQL)
    assert [(each["message"], each["extensions"]["code"]) for each in answer.json()["errors"]] == [
        ("The schema has no subscription.", "BAD_USER_INPUT")
    ]


def test_the_query_beside_a_subscription_is_answered(client) -> None:
    body = {"query": "query A { __typename } subscription B { x }", "operationName": "A"}

    assert post(client, body).json() == OK


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_405(client, method: str) -> None:
    answer = getattr(client, method)("/graphql")

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
    ],
)
def test_only_json_is_taken(client, content_type: str) -> None:
    answer = post(client, b'{"query": "mutation { __typename }"}', content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        '[{"query": "{ __typename }"}]',
        '"{ __typename }"',
        '{"not a JSON',
        '{"query": "{ __typename }", "query": "{ me { id } }"}',
        '{"qeury": "{ __typename }"}',
        '{"query": null}',
        '{"query": 0}',
        '{"query": ["{ __typename }"]}',
        '{"query": "{ __typename }", "variables": "{}"}',
        '{"query": "{ __typename }", "variables": [1]}',
        '{"query": "{ __typename }", "operationName": 0}',
        '{"query": "{ __typename }", "operationName": false}',
        '{"query": "{ __typename }", "extensions": 7}',
        '{"query": "{ __typename }", "extensions": {"persistedQuery": 7}}',
        "[" * 10_000,
        '{"query": "{ __typename }", "variables": {"n": NaN}}',
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
def test_wrong_parameters_are_400_in_the_form_of_graphql(client, body: str, accept: str) -> None:
    answer = post(client, body, accept=accept)

    assert (answer.status_code, answer["Content-Type"]) == (400, accept)
    assert list(answer.json()) == ["errors"]
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert answer.json()["errors"][0]["extensions"]["request_id"] == answer["X-Request-ID"]


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", "query($m: String!) { __typename }", "", "fragment a on Query { me }"]
)
def test_a_wrong_document_is_200_for_json_and_400_for_graphql(client, query: str) -> None:
    as_json, as_graphql = (post(client, {"query": query}, accept=accept) for accept in (JSON, GRAPHQL))

    assert (as_json.status_code, as_graphql.status_code) == (200, 400)
    assert "data" not in as_json.json()
    assert "data" not in as_graphql.json()


@pytest.mark.parametrize(("name", "status"), [(None, 400), ("C", 400), ("A", 200), ("B", 200)])
def test_of_several_operations_one_is_named(client, name: str | None, status: int) -> None:
    query = "query A { a: __typename } query B { b: __typename }"

    answer = post(client, {"query": query, "operationName": name}, accept=GRAPHQL)

    assert answer.status_code == status


def test_a_body_over_64_kb_is_a_problem_413(client) -> None:
    answer = post(client, {"query": "{ __typename }", "variables": {"x": "y" * 64_000}})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_no_cookie_is_set_or_asked_for(client) -> None:
    assert not post(client, {"query": "{ __typename }"}).cookies


def test_a_bad_token_is_401_even_for_what_needs_none(client) -> None:
    answer = post(client, {"query": "{ __typename }"}, authorization="Bearer nonsense")

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_without_a_token_what_needs_one_is_an_error_with_200(client, upstreams) -> None:
    answer = post(client, {"query": '{ __typename memberClaims(memberId: "m-1") { id } }'})

    assert (answer.status_code, answer.json()["data"]) == (200, {"__typename": "Query", "memberClaims": None})
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert upstreams.asked == []


def test_too_many_requests_are_429_in_the_form_of_graphql(client, settings) -> None:
    settings.RATE_LIMIT_MAX = 0

    answer = post(client, {"query": "{ __typename }"})

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert answer.json()["errors"][0]["message"] == "Too many requests, please try again later"
    assert int(answer["Retry-After"]) >= 1


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def persisted(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}


def test_a_persisted_query_is_known_once_somebody_signed_in_has_sent_it(as_) -> None:
    query, client = "{ anew: __typename }", as_("member")

    unknown = post(client, {"extensions": persisted(query)})
    sent = post(client, {"query": query, "extensions": persisted(query)})
    known = client.get("/graphql", {"extensions": json.dumps(persisted(query))})

    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert sent.json() == known.json() == {"data": {"anew": "Query"}}


def test_a_query_that_is_not_that_of_its_hash_is_refused(client) -> None:
    answer = post(client, {"query": "{ __typename }", "extensions": persisted("{ other: __typename }")})

    assert answer.status_code == 400


@pytest.fixture
def _trusted(tmp_path, settings) -> None:
    listed = tmp_path / "trusted.json"
    listed.write_text(json.dumps({sha256(text): text for text in ("{ trusted: __typename }",)}))
    settings.GRAPHQL_TRUSTED_DOCUMENTS = str(listed)
    settings.GRAPHQL_TRUSTED_ONLY = True


@pytest.mark.usefixtures("_trusted")
def test_trusted_documents_can_be_the_only_ones(client) -> None:
    by_hash = post(client, {"extensions": persisted("{ trusted: __typename }")})
    by_text = post(client, {"query": "{ trusted: __typename }"})
    other = post(client, {"query": "{ other: __typename }"})

    assert by_hash.json() == by_text.json() == {"data": {"trusted": "Query"}}
    assert (other.status_code, other.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")


def test_a_list_with_a_wrong_hash_is_refused(tmp_path, settings) -> None:
    from gateway_clients.edge.graphql.trusted_documents import trusted_documents

    listed = tmp_path / "trusted.json"
    listed.write_text(json.dumps({sha256("a"): "{ __typename }"}))
    settings.GRAPHQL_TRUSTED_DOCUMENTS = str(listed)

    with pytest.raises(ValueError, match="SHA-256"):
        trusted_documents()


def test_a_query_by_post_has_the_time_of_a_read(as_, sandbox, settings) -> None:
    settings.READ_BUDGET_SECONDS = 0.3
    sandbox.fault("member", "hang")

    answer = post(as_("member"), {"query": '{ memberDashboard(memberId: "m-1") { memberId name } }'})

    assert answer.json()["data"] == {"memberDashboard": {"memberId": "m-1", "name": None}}
    assert answer.json()["errors"][0]["extensions"]["code"] in {"DEADLINE_EXCEEDED", "UPSTREAM_TIMEOUT"}
