"""Which requests get a thread when others are stuck, and how bodies are read before that."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory

from gateway_clients.edge.graphql.persisted import may_write
from gateway_clients.edge.http.admission import AdmissionMiddleware, thread_places
from gateway_clients.edge.input.request_headers import context_from
from gateway_clients.edge.input.uploads import uploaded_form
from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.resilience.places import STUCK_SECONDS, Kind
from members.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.edge.sample_urls")]

LOGIN = "/api/v1/auth/login"
PASSWORD = "a-good-password"
JSON = "application/json"
CHUNKED = {
    "HTTP_TRANSFER_ENCODING": "chunked",
    "wsgi.input_terminated": True,
    "CONTENT_LENGTH": "",
    "CONTENT_TYPE": JSON,
}


@contextmanager
def all_taken(kind: Kind) -> Iterator[None]:
    """All places of a kind are taken, and have been for long."""
    places = thread_places()
    try:
        while True:
            places.enter(kind)
    except GatewayOverloadedError:
        with patch.object(places, "_clock", lambda: time.monotonic() + STUCK_SECONDS):
            yield
    finally:
        while places.taken(kind):
            places.leave(kind)


def statuses(portal: Client) -> dict[str, int]:
    sign_in = {"email": "nobody@example.com", "password": "wrong"}
    asked = {
        "read": portal.get("/api/v1/sample-ping"),
        "query": portal.post("/graphql", {"query": "{ __typename }"}, JSON),
        "mutation": portal.post("/graphql", {"query": "mutation { nothing }"}, "application/json"),
        "sign-in": portal.post(LOGIN, sign_in, "application/json"),
        "staff": portal.get("/admin/login/"),
        "health": portal.get("/health"),
        "ready": portal.get("/health/ready"),
        "live": portal.get("/health/live"),
    }
    return {name: answer.status_code for name, answer in asked.items()}


def test_reads_that_are_stuck_stop_nothing_else(portal: Client) -> None:
    with all_taken(Kind.READ):
        found = statuses(portal)

    assert found == {
        "read": 503,
        "query": 503,
        "mutation": 200,
        "sign-in": 401,
        "staff": 200,
        "health": 200,
        "ready": 200,
        "live": 200,
    }


def test_a_read_beyond_the_places_goes_on_without_one_while_the_others_move(portal: Client) -> None:
    places = thread_places()
    with all_taken(Kind.READ), patch.object(places, "_clock", time.monotonic):
        seen = []
        answer = AdmissionMiddleware(lambda request: HttpResponse(seen.append(request.__dict__["edge"].is_crowded)))
        request = RequestFactory().get("/api/v1/x")
        request.__dict__["edge"] = context_from(request)
        taken = places.taken(Kind.READ)
        answer(request)

        assert (seen, places.taken(Kind.READ)) == ([True], taken)
        assert portal.get("/api/v1/sample-ping").status_code == 401


def test_writes_and_staff_that_are_stuck_stop_no_read(portal: Client) -> None:
    with all_taken(Kind.RESERVED):
        found = statuses(portal)

    assert found == {
        "read": 401,
        "query": 200,
        "mutation": 503,
        "sign-in": 503,
        "staff": 503,
        "health": 200,
        "ready": 200,
        "live": 200,
    }


def test_who_is_shed_is_told_when_to_come_back_before_the_database_or_redis_is_touched(
    portal: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("touched")

    monkeypatch.setattr("gateway_clients.edge.rate_limit.limits.RequestCount", touched)
    with all_taken(Kind.READ), django_assert_num_queries(0):
        rest = portal.get("/api/v1/sample-ping", headers={"Authorization": "Bearer x"})
        graphql = portal.get("/graphql?query={__typename}")

    assert (rest.status_code, rest.json()["code"], rest["Retry-After"]) == (503, "overloaded", "1")
    assert (graphql.status_code, graphql["Retry-After"]) == (503, "1")
    assert graphql.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"


def test_every_place_is_given_back(portal: Client) -> None:
    statuses(portal)

    assert [thread_places().taken(kind) for kind in Kind] == [0, 0, 0]


def passed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    request.__dict__["edge"] = context_from(request)
    return AdmissionMiddleware(lambda _: response)(request)


def test_a_stream_keeps_its_place_until_it_ends() -> None:
    response = passed(RequestFactory().get("/api/v1/x"), StreamingHttpResponse(iter([b"a", b"b"])))
    during = thread_places().taken(Kind.READ)
    response.close()

    assert (during, thread_places().taken(Kind.READ)) == (1, 0)


@pytest.mark.parametrize(
    ("method", "path", "body", "is_reserved"),
    [
        ("get", "/api/v1/claims/m-1", None, False),
        ("post", "/api/v1/claims", b"{}", True),
        ("patch", "/api/v1/members/m-1/contact", b"{}", True),
        ("get", "/admin/", None, True),
        ("post", "/graphql", b'{"query":"{ a }"}', False),
        ("post", "/graphql", b'{"query":"mutation { a }"}', True),
    ],
)
def test_a_write_does_not_share_the_places_of_reads_before_upstreams_either(
    method: str, path: str, body: bytes | None, is_reserved: bool
) -> None:
    data = {} if body is None else {"data": body, "content_type": "application/json"}
    request = getattr(RequestFactory(), method)(path, **data)
    passed(request, HttpResponse())

    assert request.edge.is_reserved is is_reserved
    assert request.edge.gateway.fan_out.is_reserved is is_reserved


def in_chunks(client: Client, path: str, body: bytes) -> Any:
    """A POST as a server hands it on that takes chunks apart."""
    return client.generic("POST", path, **{**CHUNKED, "wsgi.input": BytesIO(body)})


def test_a_sign_in_that_is_sent_in_chunks_is_read(portal: Client) -> None:
    Account.objects.create_user("siti@example.com", PASSWORD)
    body = msgspec.json.encode({"email": "siti@example.com", "password": PASSWORD})

    assert in_chunks(portal, LOGIN, body).status_code == 200


def test_graphql_that_is_sent_in_chunks_is_read(portal: Client) -> None:
    answer = in_chunks(portal, "/graphql", b'{"query":"{ __typename }"}')

    assert answer.json() == {"data": {"__typename": "Query"}}


def test_what_is_sent_in_chunks_has_the_same_limits(portal: Client, settings: Any) -> None:
    settings.REQUEST_MAX_BYTES = 1000
    filled = BytesIO(b'{"email":"' + b"a" * 5000 + b'"}')
    request = {**CHUNKED, "wsgi.input": filled}

    assert portal.generic("POST", LOGIN, **request).status_code == 413
    assert filled.tell() == 1001
    settings.REQUEST_MAX_BYTES = 1_000_000
    assert in_chunks(portal, "/graphql", b'{"query":"{' + b" " * 65_536 + b'__typename}"}').status_code == 413


def test_a_body_that_ends_before_its_length_is_400(portal: Client) -> None:
    sent = BytesIO(b'{"email":"a@example.com","password":"x"}')
    answer = portal.generic("POST", LOGIN, CONTENT_LENGTH="900", CONTENT_TYPE=JSON, **{"wsgi.input": sent})

    assert (answer.status_code, answer.json()["detail"]) == (400, "The body ended early")


def test_a_trusted_document_with_a_mutation_is_known_by_its_hash(settings: Any, tmp_path: Path) -> None:
    texts = ["mutation { nothing }", "{ __typename }"]
    listed = {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}
    (tmp_path / "trusted.json").write_bytes(msgspec.json.encode(listed))
    settings.GRAPHQL_TRUSTED_DOCUMENTS = str(tmp_path / "trusted.json")
    bodies = [msgspec.json.encode({"extensions": {"persistedQuery": {"sha256Hash": each}}}) for each in listed]

    assert [may_write(body) for body in bodies] == [True, False]


def test_a_file_that_is_sent_in_chunks_is_read_as_it_comes() -> None:
    file = b"%PDF-1.7\n" + b"x" * 300_000
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
    )
    sent = BytesIO(form + file + b"\r\n--b--\r\n")
    extra = {**CHUNKED, "CONTENT_TYPE": "multipart/form-data; boundary=b", "wsgi.input": sent}
    request = RequestFactory().generic("POST", "/api/v1/members/m-1/documents", **extra)
    passed(request, HttpResponse())
    before = sent.tell()
    uploaded = uploaded_form(request, fields=frozenset())

    assert before == 0
    assert (uploaded.name, uploaded.content_type, b"".join(uploaded.pieces)) == ("x.pdf", "application/pdf", file)
