"""Signing in, staying signed in and signing out over GraphQL: the same as over REST."""

import datetime
import json
from typing import Any

import pytest
from django.test import Client

from members.models import Account

LOGIN = """mutation($e: String!, $p: String!) { login(email: $e, password: $p) {
    accessToken refreshToken expiresIn user { id email name roles memberId providerId }
} }"""
PASSWORD = "a-long-password"


@pytest.fixture
def client(as_) -> Client:
    Account.objects.create_user("portal@example.org", PASSWORD, member_id="m-1", name="Siti")
    return as_(None)


def send(client: Client, query: str, token: str | None = None, **variables: Any) -> Any:
    return client.post(
        "/graphql",
        json.dumps({"query": query, "variables": variables}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )


def test_a_sign_in_gives_tokens_that_hold(client) -> None:
    given = send(client, LOGIN, e="Portal@Example.org", p=PASSWORD).json()["data"]["login"]

    assert (given["expiresIn"], given["user"]["memberId"], given["user"]["roles"]) == (3600, "m-1", ["member"])
    me = send(client, "{ me { id email name roles memberId providerId } }", given["accessToken"]).json()
    assert me == {"data": {"me": given["user"]}}
    assert client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {given['accessToken']}"}).status_code == 200


@pytest.mark.parametrize(("email", "password"), [("portal@example.org", "wrong"), ("nobody@example.org", PASSWORD)])
def test_a_wrong_sign_in_is_null_and_says_no_more(client, email: str, password: str) -> None:
    answer = send(client, LOGIN, e=email, p=password)

    assert (answer.status_code, answer.json()["data"]) == (200, {"login": None})
    assert answer.json()["errors"][0]["message"] == "Wrong e-mail or password."
    assert answer.json()["errors"][0]["extensions"]["code"] == "WRONG_CREDENTIALS"


def test_a_refresh_token_is_good_once(client) -> None:
    first = send(client, LOGIN, e="portal@example.org", p=PASSWORD).json()["data"]["login"]
    refresh = "mutation($t: String!) { refreshToken(refreshToken: $t) { accessToken refreshToken user { id } } }"

    second = send(client, refresh, t=first["refreshToken"]).json()["data"]["refreshToken"]
    again = send(client, refresh, t=first["refreshToken"]).json()

    assert second["user"]["id"] == first["user"]["id"]
    assert again["data"] == {"refreshToken": None}
    assert again["errors"][0]["extensions"]["code"] == "TOKEN_ALREADY_ROTATED"


def test_a_refresh_token_whose_time_is_over_says_so(client, settings) -> None:
    settings.SIMPLE_JWT = settings.SIMPLE_JWT | {"REFRESH_TOKEN_LIFETIME": datetime.timedelta(seconds=-60)}
    over = send(client, LOGIN, e="portal@example.org", p=PASSWORD).json()["data"]["login"]["refreshToken"]

    answer = send(client, "mutation($t: String!) { refreshToken(refreshToken: $t) { accessToken } }", t=over).json()

    assert answer["data"] == {"refreshToken": None}
    assert answer["errors"][0]["message"] == "The token has expired"
    assert answer["errors"][0]["extensions"]["code"] == "TOKEN_EXPIRED"


def test_after_a_logout_the_access_token_is_dead(client) -> None:
    given = send(client, LOGIN, e="portal@example.org", p=PASSWORD).json()["data"]["login"]

    answer = send(client, "mutation($t: String!) { logout(refreshToken: $t) }", t=given["refreshToken"])

    assert answer.json() == {"data": {"logout": True}}
    assert send(client, "{ me { id } }", given["accessToken"]).status_code == 401


def test_me_without_a_token_leaves_no_data(client) -> None:
    answer = send(client, "{ __typename me { id } }")

    assert (answer.status_code, answer.json()["data"]) == (200, None)
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_sign_ins_count_in_the_limiter_of_rest(client, settings) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 2
    body = {"email": "portal@example.org", "password": "wrong"}

    assert send(client, LOGIN, e="portal@example.org", p="wrong").status_code == 200
    assert client.post("/api/v1/auth/login", body, content_type="application/json").status_code == 401
    limited = send(client, LOGIN, e="portal@example.org", p=PASSWORD)

    assert (limited.status_code, limited.json()["data"]) == (429, {"login": None})
    assert limited.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert int(limited["Retry-After"]) >= 1
    assert client.post("/api/v1/auth/login", body, content_type="application/json").status_code == 429


@pytest.mark.parametrize("variables", [{"e": "x" * 255, "p": PASSWORD}, {"e": "a@example.org", "p": "x" * 1025}])
def test_input_is_checked_as_over_rest(client, variables: dict[str, str]) -> None:
    answer = send(client, LOGIN, **variables).json()

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert list(answer["errors"][0]["extensions"]["errors"]) in (["email"], ["password"])
