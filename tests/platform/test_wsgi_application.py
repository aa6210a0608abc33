"""What the HTTP server's requests are told to Django."""

from typing import Any

import pytest
from django.http import HttpResponse

from bff_project.processes.wsgi_application import ServedApplication


def test_an_answer_says_whose_it_is_and_not_which_software_made_it() -> None:
    sent: list[object] = []

    def application(_environ: object, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    ServedApplication(application)({}, lambda *given: sent.extend(given))

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
    ServedApplication(lambda given, start_response: seen.update(given) or HttpResponse())(environ, None)

    assert seen.get("gateway.cookies_lost", False) is are_lost
