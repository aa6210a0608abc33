"""Errors: problem+json whoever raises them, with the codes of the API."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from rest_framework import exceptions as drf

from gateway_clients import errors as upstream
from gateway_clients.edge import errors as edge
from gateway_clients.edge.graphql.errors import refused_by_edge
from gateway_clients.edge.output.foreign_errors import translated
from gateway_clients.edge.output.problems import problem_of
from gateway_clients.gateway import NothingToShowError

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.edge.sample_urls")]

#: What the edge answers, from the API's table; the codes of submissions come with them.
STATUS_OF_CODE = {
    "bad_user_input": 400,
    "unauthenticated": 401,
    "token_expired": 401,
    "wrong_credentials": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "conflict": 409,
    "token_already_rotated": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal_error": 500,
    "upstream_bad_answer": 502,
    "upstream_unavailable": 503,
    "circuit_open": 503,
    "upstream_busy": 503,
    "overloaded": 503,
    "upstream_timeout": 504,
    "deadline_exceeded": 504,
    "not_enough_time": 504,
}


def _subclasses(root: type) -> list[type]:
    return [root, *(each for child in root.__subclasses__() for each in _subclasses(child))]


def _raised(error_class: Any) -> Exception:
    if issubclass(error_class, upstream.UpstreamRejectedError):
        return error_class("claims", upstream_status=400, detail="the upstream's own words")
    if issubclass(error_class, upstream.UpstreamError):
        return error_class("claims")
    if issubclass(error_class, NothingToShowError):
        return error_class([])
    return error_class()


ERRORS = [*_subclasses(edge.ApiError), *_subclasses(upstream.GatewayError)]


def test_together_the_errors_have_every_code_of_the_table() -> None:
    assert {error.code for error in ERRORS} >= set(STATUS_OF_CODE)


@pytest.mark.parametrize("error_class", ERRORS, ids=lambda error_class: error_class.__name__)
def test_each_error_has_its_code_and_status_and_tells_nothing_else(error_class: Any) -> None:
    answer = problem_of(_raised(error_class), RequestFactory().get("/"))

    assert answer is not None
    assert answer["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert set(body) == {"type", "title", "status", "detail", "code", "request_id"}
    assert answer.status_code == body["status"] == STATUS_OF_CODE.get(body["code"], body["status"])
    assert "own words" not in answer.content.decode()
    assert (answer.status_code != 503) or int(answer["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "1"), (-3.0, "1"), (1.2, "2"), (99999999999.0, "86400"), (float("inf"), "86400"), (float("nan"), "1")],
)
def test_no_time_to_come_back_is_longer_than_a_day(seconds: float, told: str) -> None:
    request = RequestFactory().get("/")
    request.edge = SimpleNamespace(request_id="request-12345")
    error = upstream.UpstreamBusyError("claims", retry_after_seconds=seconds)

    answer, graphql = problem_of(error, request), refused_by_edge(error, request)

    assert answer is not None
    assert (answer["Retry-After"], graphql["Retry-After"]) == (told, told)


def test_an_open_breaker_says_whose_and_when_to_come_back(portal: Client) -> None:
    answer = portal.get("/api/v1/sample-broken")

    assert (answer.status_code, answer["Retry-After"]) == (503, "42")
    assert answer.json()["detail"] == "Claims service temporarily unavailable"
    assert answer.json()["code"] == "circuit_open"


def test_what_nobody_foresaw_is_500_without_its_words(portal: Client) -> None:
    answer = portal.get("/api/v1/sample-crash", headers={"X-Request-ID": "request-12345"})

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json() == {
        "type": "/docs/errors#internal_error",
        "title": "Internal error",
        "status": 500,
        "detail": "Internal error",
        "code": "internal_error",
        "request_id": "request-12345",
        "instance": "/admin/console/explanation/request-12345/",
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("POST", "/plain", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
        ("POST", "/api/v1/schema", 405, "method_not_allowed"),
        ("GET", "/api/v1/auth/login", 405, "method_not_allowed"),
        ("OPTIONS", "/api/v1/auth/login", 405, "method_not_allowed"),
    ],
)
def test_outside_drf_too_errors_are_problems(portal: Client, method: str, path: str, status: int, code: str) -> None:
    answer = portal.generic(method, path)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == code
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    assert status != 405 or re.fullmatch(r"[A-Z]+(, [A-Z]+)*", answer["Allow"])


@pytest.mark.parametrize(
    "host", ["evil.example", "a.portal.example.evil.example", "a b", "a.portal.example/x", "", "portal.example"]
)
def test_a_foreign_host_is_400(portal: Client, settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["a.portal.example"]
    answers = [portal.get("/api/v1/schema", headers={"Host": host}) for _ in range(2)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(400, "bad_user_input")] * 2
    assert portal.get("/api/v1/schema", headers={"Host": "a.portal.example"}).status_code == 200


def test_a_proxys_host_is_checked_though_the_other_is_allowed(portal: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.USE_X_FORWARDED_HOST = ["a.portal.example"], True
    headers = {"Host": "a.portal.example", "X-Forwarded-Host": "evil.example"}

    assert portal.get("/api/v1/schema", headers=headers).status_code == 400


def test_staffs_pages_keep_their_html(portal: Client) -> None:
    assert portal.get("/admin/login/")["Content-Type"].startswith("text/html")


def test_a_database_that_does_not_answer_at_the_door_is_503(signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: object) -> None:
        raise OperationalError("could not connect to 10.1.2.3")

    client = signed_in(member_id="m-1")
    monkeypatch.setattr("members.authentication.living_caller", down)
    answer = client.get("/api/v1/sample/m-1")

    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "1", "upstream_unavailable")


def test_a_database_that_does_not_answer_is_503_with_retry_after(
    portal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("could not connect to 10.1.2.3")

    monkeypatch.setattr("members.sign_in.account_of", down)
    answer = portal.post("/api/v1/auth/login", {"email": "a@example.com", "password": "b"}, "application/json")

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "10.1.2.3" not in answer.content.decode()


@pytest.mark.parametrize(
    ("detail", "errors"),
    [
        ("wrong", {"non_field_errors": ["wrong"]}),
        ({"items": ["too few"]}, {"items": ["too few"]}),
        ({"items": {1: {"amount": ["too small"]}}}, {"items.1.amount": ["too small"]}),
        ({"items": [{}, {"amount": ["too small"]}]}, {"items.1.amount": ["too small"]}),
        ([{}, {"amount": ["too small"]}], {"1.amount": ["too small"]}),
    ],
)
def test_messages_of_drfs_own_have_one_dotted_name_for_each_field(detail: Any, errors: dict[str, list[str]]) -> None:
    made = translated(drf.ValidationError(detail))

    assert made is not None
    assert made.errors == errors
