"""Access tokens: which hold, and what ends them."""

import math
import uuid
from typing import Any

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from members.models import Account
from tests.members.calls import me, post, sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/v1/auth/me", "/api/v1/providers", "/graphql?query={__typename}"])
def test_a_header_that_says_nothing_is_not_taken_for_none(portal: Client, path: str) -> None:
    answer = portal.get(path, headers={"Authorization": ""})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_neither_kind_of_token_is_taken_for_the_other(portal: Client, siti: Account) -> None:
    pair = sign_in(portal).json()

    assert me(portal, pair["refresh_token"]) == 401
    assert post(portal, "refresh", {"refresh_token": pair["access_token"]}).status_code == 401
    assert post(portal, "logout", {"refresh_token": pair["access_token"]}).status_code == 401


def test_neither_kind_is_taken_for_the_other_even_with_one_secret(portal: Client, siti: Account, settings: Any) -> None:
    settings.REFRESH_TOKEN_SECRET = settings.JWT_SECRET
    pair = sign_in(portal).json()

    assert me(portal, pair["refresh_token"]) == 401
    assert post(portal, "refresh", {"refresh_token": pair["access_token"]}).status_code == 401


def test_tokens_hold_the_claims_of_the_api_and_nothing_personal(portal: Client, siti: Account, settings: Any) -> None:
    pair = sign_in(portal).json()
    claims = jwt.decode(
        pair["access_token"], settings.JWT_SECRET[0], algorithms=["HS256"], audience="web-portals", issuer="web-bff"
    )

    assert sorted(claims) == ["aud", "exp", "iat", "iss", "jti", "sid", "sub", "token_type"]
    assert (claims["sub"], claims["token_type"], claims["exp"] - claims["iat"]) == (str(siti.pk), "access", 3600)


def _forged(settings: Any, pair: dict[str, Any], secret: str | None = None, **changes: Any) -> str:
    claims = jwt.decode(pair["access_token"], options={"verify_signature": False})
    changed = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(changed, secret or settings.JWT_SECRET[0], algorithm="HS256")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"exp": -29}, 200),
        ({"exp": -31}, 401),
        ({"iat": 29}, 200),
        ({"iat": 40}, 401),
        ({"iss": "somebody"}, 401),
        ({"aud": "others"}, 401),
        ({"token_type": "refresh"}, 401),
        ({"sub": "999999"}, 401),
        ({"sub": 7}, 401),
        ({"sid": uuid.uuid4().hex}, 401),
        ({"sid": "x"}, 401),
        ({"jti": None}, 401),
        ({"exp": None}, 401),
        ({"iat": None}, 401),
        ({"iss": None}, 401),
        ({"aud": None}, 401),
        ({"sid": None}, 401),
        ({"sub": None}, 401),
        ({"token_type": None}, 401),
        ({"exp": "soon"}, 401),
    ],
)
def test_a_token_whose_claims_do_not_hold_is_401(
    portal: Client, siti: Account, settings: Any, changes: dict[str, Any], status: int
) -> None:
    pair = sign_in(portal).json()
    now = math.ceil(timezone.now().timestamp())
    moved = {
        name: now + value if name in {"exp", "iat"} and isinstance(value, int) else value
        for name, value in changes.items()
    }

    assert me(portal, _forged(settings, pair, **moved)) == status


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"exp": 1}, "token_expired", "The token has expired"),
        ({"exp": 1, "sid": uuid.uuid4().hex}, "token_expired", "The token has expired"),
        ({"exp": "soon"}, "unauthenticated", "Sign in first"),
        ({"iss": "somebody"}, "unauthenticated", "Sign in first"),
        ({"sid": uuid.uuid4().hex}, "unauthenticated", "Sign in first"),
    ],
)
def test_a_token_whose_time_is_over_has_a_code_of_its_own(
    portal: Client, siti: Account, settings: Any, changes: dict[str, Any], code: str, detail: str
) -> None:
    pair = sign_in(portal).json()
    access = {"Authorization": f"Bearer {_forged(settings, pair, **changes)}"}
    secret = settings.REFRESH_TOKEN_SECRET[0]
    refresh = {"refresh_token": _forged(settings, pair, secret=secret, token_type="refresh", **changes)}

    for answer in (portal.get("/api/v1/auth/me", headers=access), post(portal, "refresh", refresh)):
        assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (401, code, detail)
    asked = portal.post("/graphql", {"query": "{ me { id } }"}, "application/json", headers=access)
    (error,) = asked.json()["errors"]
    assert (asked.status_code, error["message"], error["extensions"]["code"]) == (401, detail, code.upper())
    assert me(portal, pair["access_token"]) == 200


def test_a_logout_with_a_token_whose_time_is_over_says_so(portal: Client, siti: Account, settings: Any) -> None:
    pair, secret = sign_in(portal).json(), settings.REFRESH_TOKEN_SECRET[0]
    over = _forged(settings, pair, secret=secret, token_type="refresh", exp=1)

    answer = post(portal, "logout", {"refresh_token": over})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert me(portal, pair["access_token"]) == 200


def test_a_token_signed_otherwise_is_401(portal: Client, siti: Account, settings: Any) -> None:
    settings.JWT_SECRET = ("s" * 64,)
    pair = sign_in(portal).json()
    claims = jwt.decode(pair["access_token"], options={"verify_signature": False})

    assert me(portal, _forged(settings, pair, secret="x" * 40)) == 401
    assert me(portal, jwt.encode(claims, None, algorithm="none")) == 401
    assert me(portal, jwt.encode(claims, settings.JWT_SECRET[0], algorithm="HS512")) == 401


def test_secrets_can_be_changed_without_signing_anybody_out(portal: Client, siti: Account, settings: Any) -> None:
    before = sign_in(portal).json()["access_token"]
    settings.JWT_SECRET = ("n" * 40, *settings.JWT_SECRET)
    after = sign_in(portal).json()["access_token"]

    assert (me(portal, before), me(portal, after)) == (200, 200)
    settings.JWT_SECRET = ("n" * 40,)
    assert (me(portal, before), me(portal, after)) == (401, 200)


@pytest.mark.parametrize("change", [{"is_active": False}, {"token_epoch": 99}])
def test_a_disabled_account_is_out_at_once(portal: Client, siti: Account, change: dict[str, Any]) -> None:
    pair = sign_in(portal).json()
    Account.objects.update(**change)

    assert me(portal, pair["access_token"]) == 401
    assert post(portal, "refresh", {"refresh_token": pair["refresh_token"]}).status_code == 401


def test_a_deleted_account_is_out_at_once(portal: Client, siti: Account) -> None:
    pair = sign_in(portal).json()
    siti.delete()

    assert me(portal, pair["access_token"]) == 401
    assert post(portal, "refresh", {"refresh_token": pair["refresh_token"]}).status_code == 401


def test_roles_are_the_accounts_of_this_moment(portal: Client, siti: Account) -> None:
    token = sign_in(portal).json()["access_token"]
    Account.objects.update(member_id=None, is_admin=True)
    me = portal.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).json()

    assert (me["roles"], me["member_id"]) == (["admin"], None)
