"""What the HTTP server's requests are told to Django."""

import json
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.http import HttpResponse

from bff_project.processes.request_heads import HEAD_BYTES
from bff_project.processes.wsgi_application import ServedApplication


def asked(**more: str) -> dict[str, Any]:
    """The environment of a request."""
    environ: dict[str, Any] = {"QUERY_STRING": "", **more}
    setup_testing_defaults(environ)
    return environ


def test_an_answer_says_whose_it_is_and_not_which_software_made_it() -> None:
    sent: list[object] = []

    def application(_environ: object, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    ServedApplication(application)(asked(), lambda *given: sent.extend(given))

    assert sent == ["200 OK", [("Content-Type", "text/plain"), ("Server", "web-bff")]]


@pytest.mark.parametrize(
    ("environ", "are_lost"),
    [
        ({}, False),
        ({"HTTP_COOKIE": "sessionid=x; csrftoken=y"}, False),
        ({"HTTP_COOKIE": ""}, True),
        ({"HTTP_COOKIE": ";c=d"}, True),
        ({"HTTP_COOKIE": "c=d;"}, True),
    ],
)
def test_cookies_that_the_server_has_emptied_are_known_as_lost(environ: dict[str, str], are_lost: bool) -> None:
    seen: dict[str, object] = {}
    ServedApplication(lambda given, start_response: seen.update(given) or HttpResponse())(asked(**environ), None)

    assert seen.get("gateway.cookies_lost", False) is are_lost


@pytest.mark.parametrize(("size", "is_taken"), [(HEAD_BYTES - 200, True), (HEAD_BYTES, False)])
@pytest.mark.parametrize("name", ["QUERY_STRING", "HTTP_COOKIE", "HTTP_X_LONG", "CONTENT_TYPE"])
def test_a_head_is_measured_whole(name: str, size: int, is_taken: bool) -> None:
    seen: list[Any] = []
    said: list[Any] = []
    answer = ServedApplication(lambda *given: seen.append(given) or HttpResponse())(
        asked(**{name: "a" * size}), lambda *given: said.extend(given)
    )

    assert bool(seen) is is_taken
    if not is_taken:
        assert said[0] == "431 Request Header Fields Too Large"
        assert json.loads(b"".join(answer))["code"] == "bad_user_input"
