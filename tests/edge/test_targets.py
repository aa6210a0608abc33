"""A slash that is encoded in the path is part of its segment, wherever the server says how the path was written."""

from typing import Any

import pytest
from django.test import Client

from gateway_clients.edge.http.targets import has_encoded_slash

ADDRESSES = [
    "/api/v1/members/m-1%2Fbenefits",
    "/api/v1/members/m-1%2fdocuments/d-1/content",
    "/api/v1/claims%2Fm-1",
    "/api%2Fv1/auth/me",
    "/admin%2Flogin/",
    "/health%2Fready",
    "/%2Fgraphql",
]


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_there_is_no_such_address(name: str, address: str, signed_in: Any) -> None:
    client: Client = signed_in(member_id="m-1")

    answer = client.get(address, **{name: address})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("target", "is_found"),
    [
        ("/a%2Fb", True),
        ("/a%2fb?c=d", True),
        ("http://host/a%2Fb", True),
        ("/a/b", False),
        ("/a/b?c=d%2Fe", False),
        ("/a%252Fb", False),
        ("/a%20b", False),
    ],
)
def test_only_slashes_of_the_path_count(target: str, is_found: bool) -> None:
    assert has_encoded_slash({"RAW_URI": target}) is has_encoded_slash({"REQUEST_URI": target}) is is_found


def test_a_server_that_does_not_say_is_believed() -> None:
    assert not has_encoded_slash({"PATH_INFO": "/a/b"})


@pytest.mark.parametrize("section", ["benefits", "documents", "documents%2Fd-1%2Fcontent"])
def test_what_such_a_server_takes_for_an_address_has_the_rules_of_that_address(section: str, signed_in: Any) -> None:
    answer = signed_in(member_id="m-1").get(f"/api/v1/members/m-2%2F{section}")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_what_is_written_in_the_query_may_hold_slashes(signed_in: Any) -> None:
    answer = signed_in(member_id="m-1").get("/api/v1/auth/me", RAW_URI="/api/v1/auth/me?x=%2F")

    assert answer.status_code == 200
