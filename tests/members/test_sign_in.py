"""Signing in with a password, and changing it."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from members import authentication, token_families
from members.models import Account, TokenFamily
from tests.members.calls import PASSWORD, me, post, sign_in

pytestmark = pytest.mark.django_db


def test_a_sign_in_gives_a_pair_of_tokens_and_says_whose(portal: Client, siti: Account) -> None:
    answer = sign_in(portal, "SITI@example.COM").json()

    assert list(answer) == ["access_token", "refresh_token", "expires_in", "user", "token_type"]
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert answer["user"] == {
        "id": str(siti.pk),
        "email": "siti@example.com",
        "name": "Siti Rahayu",
        "roles": ["member"],
        "member_id": "m-1",
        "provider_id": None,
    }
    me = portal.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {answer['access_token']}"})
    assert me.json() == answer["user"]


def test_unknown_wrong_and_disabled_are_answered_alike(portal: Client, siti: Account) -> None:
    Account.objects.create_user("off@example.com", PASSWORD, is_active=False)
    answers = [
        sign_in(portal, "nobody@example.com"),
        sign_in(portal, password="wrong"),
        sign_in(portal, "off@example.com"),
        sign_in(portal, "not an e-mail\x01"),
    ]
    bodies = [
        {name: value for name, value in answer.json().items() if name not in {"request_id", "instance"}}
        for answer in answers
    ]

    assert [answer.status_code for answer in answers] == [401] * 4
    assert all(body == bodies[0] for body in bodies)
    assert (bodies[0]["code"], bodies[0]["detail"]) == ("wrong_credentials", "Wrong e-mail or password.")
    assert "Sign in first" not in str(bodies[0])
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"


def test_unknown_wrong_and_disabled_each_cost_one_hash(
    portal: Client, siti: Account, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account.objects.create_user("off@example.com", PASSWORD, is_active=False)
    hashed: list[str] = []
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher.encode"
    from django.contrib.auth.hashers import MD5PasswordHasher

    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(hasher, lambda self, *args, **more: hashed.append("once") or encode(self, *args, **more))
    for email, password in (("nobody@example.com", PASSWORD), ("siti@example.com", "wrong"), ("off@example.com", "x")):
        hashed.clear()
        sign_in(portal, email, password)
        assert hashed == ["once"], email


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["email", "password"]),
        ({"email": "a@example.com"}, ["password"]),
        ({"email": 1, "password": True}, ["email", "password"]),
        ({"email": "a@example.com", "password": "x", "role": "admin"}, ["role"]),
        ({"email": "a" * 300, "password": "x"}, ["email"]),
        ({"email": "a\x00@example.com", "password": "x"}, ["email"]),
    ],
)
def test_a_sign_in_that_breaks_a_rule_is_400_by_field(portal: Client, body: dict[str, Any], fields: list[str]) -> None:
    answer = post(portal, "login", body)

    assert (answer.status_code, sorted(answer.json()["errors"])) == (400, fields)


def test_a_stale_token_does_not_keep_anybody_from_signing_in(portal: Client, siti: Account) -> None:
    assert post(portal, "login", {"email": siti.email, "password": PASSWORD}, token="stale").status_code == 200


def test_a_changed_password_signs_out_everywhere(portal: Client, siti: Account) -> None:
    one, other = sign_in(portal).json(), sign_in(portal).json()
    body = {"current_password": PASSWORD, "new_password": "quite-another-one"}
    answer = post(portal, "password", body, one["access_token"])

    assert (answer.status_code, answer.content) == (204, b"")
    assert [me(portal, pair["access_token"]) for pair in (one, other)] == [401, 401]
    assert post(portal, "refresh", {"refresh_token": other["refresh_token"]}).status_code == 401
    assert sign_in(portal).status_code == 401
    assert sign_in(portal, password="quite-another-one").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"current_password": "wrong", "new_password": "quite-another-one"}, "current_password"),
        ({"current_password": PASSWORD, "new_password": "short"}, "new_password"),
        ({"current_password": PASSWORD, "new_password": "siti@example.com"}, "new_password"),
        ({"current_password": PASSWORD}, "new_password"),
    ],
)
def test_a_password_change_that_breaks_a_rule_changes_nothing(
    portal: Client, siti: Account, body: dict[str, str], field: str
) -> None:
    token = sign_in(portal).json()["access_token"]
    answer = post(portal, "password", body, token)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert me(portal, token) == 200


def test_a_password_kept_in_an_old_way_is_kept_anew_and_signs_nobody_out(
    portal: Client, siti: Account, settings: Any
) -> None:
    token = sign_in(portal).json()["access_token"]
    settings.PASSWORD_HASHERS = ["members.hashers.AccountPasswordHasher", *settings.PASSWORD_HASHERS]

    assert sign_in(portal).status_code == 200
    assert Account.objects.get().password.startswith("argon2$argon2id$v=19$m=7168,t=5,p=1$")
    assert me(portal, token) == 200


def test_a_sign_in_clears_expired_families_away(siti: Account) -> None:
    token_families.begin(siti)
    TokenFamily.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    token_families.begin(siti)

    assert TokenFamily.objects.count() == 1


def test_a_database_that_fails_is_told_as_django_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIVING", "LIVING_IN_SQLITE"):
        monkeypatch.setattr(authentication, name, "SELECT nothing FROM nowhere")
    with pytest.raises(DatabaseError):
        authentication.living_caller(uuid.uuid4())
