"""Sign in, stay signed in, sign out."""

import math
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from members import authentication, token_families
from members.models import Account, TokenFamily

pytestmark = pytest.mark.django_db

PASSWORD = "a-good-password"


@pytest.fixture
def siti() -> Account:
    """A member."""
    return Account.objects.create_user("Siti@Example.com", PASSWORD, name="Siti Rahayu", member_id="m-1")


def _post(client: Client, call: str, body: dict[str, Any], token: str | None = None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.post(f"/api/v1/auth/{call}", body, "application/json", headers=headers)


def _sign_in(client: Client, email: str = "siti@example.com", password: str = PASSWORD) -> Any:
    return _post(client, "login", {"email": email, "password": password})


def _me(client: Client, token: str) -> int:
    return int(client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code)


def test_a_sign_in_gives_a_pair_of_tokens_and_says_whose(portal: Client, siti: Account) -> None:
    answer = _sign_in(portal, "SITI@example.COM").json()

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


@pytest.mark.parametrize("path", ["/api/v1/auth/me", "/api/v1/providers", "/graphql?query={__typename}"])
def test_a_header_that_says_nothing_is_not_taken_for_none(portal: Client, path: str) -> None:
    answer = portal.get(path, headers={"Authorization": ""})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_unknown_wrong_and_disabled_are_answered_alike(portal: Client, siti: Account) -> None:
    Account.objects.create_user("off@example.com", PASSWORD, is_active=False)
    answers = [
        _sign_in(portal, "nobody@example.com"),
        _sign_in(portal, password="wrong"),
        _sign_in(portal, "off@example.com"),
        _sign_in(portal, "not an e-mail\x01"),
    ]
    bodies = [{name: value for name, value in answer.json().items() if name != "request_id"} for answer in answers]

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
        _sign_in(portal, email, password)
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
    answer = _post(portal, "login", body)

    assert (answer.status_code, sorted(answer.json()["errors"])) == (400, fields)


def test_a_stale_token_does_not_keep_anybody_from_signing_in(portal: Client, siti: Account) -> None:
    assert _post(portal, "login", {"email": siti.email, "password": PASSWORD}, token="stale").status_code == 200


def test_neither_kind_of_token_is_taken_for_the_other(portal: Client, siti: Account) -> None:
    pair = _sign_in(portal).json()

    assert _me(portal, pair["refresh_token"]) == 401
    assert _post(portal, "refresh", {"refresh_token": pair["access_token"]}).status_code == 401
    assert _post(portal, "logout", {"refresh_token": pair["access_token"]}).status_code == 401


def test_neither_kind_is_taken_for_the_other_even_with_one_secret(portal: Client, siti: Account, settings: Any) -> None:
    settings.REFRESH_TOKEN_SECRET = settings.JWT_SECRET
    pair = _sign_in(portal).json()

    assert _me(portal, pair["refresh_token"]) == 401
    assert _post(portal, "refresh", {"refresh_token": pair["access_token"]}).status_code == 401


def test_tokens_hold_the_claims_of_the_api_and_nothing_personal(portal: Client, siti: Account, settings: Any) -> None:
    pair = _sign_in(portal).json()
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
    pair = _sign_in(portal).json()
    now = math.ceil(timezone.now().timestamp())
    moved = {
        name: now + value if name in {"exp", "iat"} and isinstance(value, int) else value
        for name, value in changes.items()
    }

    assert _me(portal, _forged(settings, pair, **moved)) == status


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
    pair = _sign_in(portal).json()
    access = {"Authorization": f"Bearer {_forged(settings, pair, **changes)}"}
    secret = settings.REFRESH_TOKEN_SECRET[0]
    refresh = {"refresh_token": _forged(settings, pair, secret=secret, token_type="refresh", **changes)}

    for answer in (portal.get("/api/v1/auth/me", headers=access), _post(portal, "refresh", refresh)):
        assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (401, code, detail)
    asked = portal.post("/graphql", {"query": "{ me { id } }"}, "application/json", headers=access)
    (error,) = asked.json()["errors"]
    assert (asked.status_code, error["message"], error["extensions"]["code"]) == (401, detail, code.upper())
    assert _me(portal, pair["access_token"]) == 200


def test_a_logout_with_a_token_whose_time_is_over_says_so(portal: Client, siti: Account, settings: Any) -> None:
    pair, secret = _sign_in(portal).json(), settings.REFRESH_TOKEN_SECRET[0]
    over = _forged(settings, pair, secret=secret, token_type="refresh", exp=1)

    answer = _post(portal, "logout", {"refresh_token": over})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert _me(portal, pair["access_token"]) == 200


def test_a_token_signed_otherwise_is_401(portal: Client, siti: Account, settings: Any) -> None:
    settings.JWT_SECRET = ("s" * 64,)
    pair = _sign_in(portal).json()
    claims = jwt.decode(pair["access_token"], options={"verify_signature": False})

    assert _me(portal, _forged(settings, pair, secret="x" * 40)) == 401
    assert _me(portal, jwt.encode(claims, None, algorithm="none")) == 401
    assert _me(portal, jwt.encode(claims, settings.JWT_SECRET[0], algorithm="HS512")) == 401


def test_secrets_can_be_changed_without_signing_anybody_out(portal: Client, siti: Account, settings: Any) -> None:
    before = _sign_in(portal).json()["access_token"]
    settings.JWT_SECRET = ("n" * 40, *settings.JWT_SECRET)
    after = _sign_in(portal).json()["access_token"]

    assert (_me(portal, before), _me(portal, after)) == (200, 200)
    settings.JWT_SECRET = ("n" * 40,)
    assert (_me(portal, before), _me(portal, after)) == (401, 200)


def test_a_refresh_gives_a_new_pair(portal: Client, siti: Account) -> None:
    first = _sign_in(portal).json()
    second = _post(portal, "refresh", {"refresh_token": first["refresh_token"]}).json()

    assert second["user"] == first["user"]
    assert second["refresh_token"] != first["refresh_token"]
    assert _me(portal, second["access_token"]) == 200
    assert _post(portal, "refresh", {"refresh_token": second["refresh_token"]}).status_code == 200


def test_a_refresh_token_used_again_at_once_is_409_and_ends_nothing(portal: Client, siti: Account) -> None:
    first = _sign_in(portal).json()
    second = _post(portal, "refresh", {"refresh_token": first["refresh_token"]}).json()
    again = _post(portal, "refresh", {"refresh_token": first["refresh_token"]})

    assert (again.status_code, again.json()["code"]) == (409, "token_already_rotated")
    assert _me(portal, second["access_token"]) == 200


def test_a_refresh_token_used_again_later_ends_the_family(portal: Client, siti: Account) -> None:
    other = _sign_in(portal).json()
    first = _sign_in(portal).json()
    second = _post(portal, "refresh", {"refresh_token": first["refresh_token"]}).json()
    TokenFamily.objects.update(rotated_at=timezone.now() - timedelta(seconds=5.1))
    again = _post(portal, "refresh", {"refresh_token": first["refresh_token"]})

    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")
    assert _me(portal, second["access_token"]) == 401
    assert _post(portal, "refresh", {"refresh_token": second["refresh_token"]}).status_code == 401
    assert _me(portal, other["access_token"]) == 200


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass for the families of tokens."""
    passed = timedelta()

    def wait(seconds: float) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)

    monkeypatch.setattr(token_families.timezone, "now", lambda: datetime.now(UTC) + passed)
    return wait


def test_each_token_that_was_traded_within_5_seconds_is_409_and_ends_nothing(
    portal: Client, siti: Account, clock: Callable[[float], None]
) -> None:
    pairs = [_sign_in(portal).json()]
    for _ in range(4):
        pairs.append(_post(portal, "refresh", {"refresh_token": pairs[-1]["refresh_token"]}).json())
        clock(1.2)

    for pair in pairs[:-1]:
        again = _post(portal, "refresh", {"refresh_token": pair["refresh_token"]})
        assert (again.status_code, again.json()["code"]) == (409, "token_already_rotated")
    assert _me(portal, pairs[-1]["access_token"]) == 200
    assert _post(portal, "refresh", {"refresh_token": pairs[-1]["refresh_token"]}).status_code == 200


def test_a_token_that_was_traded_5_seconds_ago_ends_the_family_though_its_successors_are_newer(
    portal: Client, siti: Account, clock: Callable[[float], None]
) -> None:
    first = _sign_in(portal).json()
    second = _post(portal, "refresh", {"refresh_token": first["refresh_token"]}).json()
    clock(4)
    third = _post(portal, "refresh", {"refresh_token": second["refresh_token"]}).json()
    clock(1.1)

    assert _post(portal, "refresh", {"refresh_token": second["refresh_token"]}).status_code == 409
    assert _post(portal, "refresh", {"refresh_token": first["refresh_token"]}).status_code == 401
    assert _me(portal, third["access_token"]) == 401


def test_a_family_remembers_the_tokens_of_5_seconds_alone(siti: Account, clock: Callable[[float], None]) -> None:
    pair = token_families.begin(siti)
    for _ in range(20):
        clock(1.7)
        pair = token_families.rotate(pair.refresh)

    assert len(TokenFamily.objects.get().earlier) == 2


def test_a_family_that_is_gone_in_the_middle_of_a_refresh_is_401(
    portal: Client, siti: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = _sign_in(portal).json()
    made = token_families.RefreshToken.of

    def of_a_family_that_goes(family: TokenFamily) -> Any:
        TokenFamily.objects.all().delete()
        return made(family)

    monkeypatch.setattr(token_families.RefreshToken, "of", of_a_family_that_goes)

    assert _post(portal, "refresh", {"refresh_token": pair["refresh_token"]}).status_code == 401


def test_a_logout_ends_the_family_and_its_access_tokens(portal: Client, siti: Account) -> None:
    other = _sign_in(portal).json()
    pair = _sign_in(portal).json()
    answer = _post(portal, "logout", {"refresh_token": pair["refresh_token"]})

    assert (answer.status_code, answer.content) == (204, b"")
    assert _me(portal, pair["access_token"]) == 401
    assert _post(portal, "refresh", {"refresh_token": pair["refresh_token"]}).status_code == 401
    assert _me(portal, other["access_token"]) == 200


@pytest.mark.parametrize("change", [{"is_active": False}, {"token_epoch": 99}])
def test_a_disabled_account_is_out_at_once(portal: Client, siti: Account, change: dict[str, Any]) -> None:
    pair = _sign_in(portal).json()
    Account.objects.update(**change)

    assert _me(portal, pair["access_token"]) == 401
    assert _post(portal, "refresh", {"refresh_token": pair["refresh_token"]}).status_code == 401


def test_a_deleted_account_is_out_at_once(portal: Client, siti: Account) -> None:
    pair = _sign_in(portal).json()
    siti.delete()

    assert _me(portal, pair["access_token"]) == 401
    assert _post(portal, "refresh", {"refresh_token": pair["refresh_token"]}).status_code == 401


def test_roles_are_the_accounts_of_this_moment(portal: Client, siti: Account) -> None:
    token = _sign_in(portal).json()["access_token"]
    Account.objects.update(member_id=None, is_admin=True)
    me = portal.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).json()

    assert (me["roles"], me["member_id"]) == (["admin"], None)


def test_a_changed_password_signs_out_everywhere(portal: Client, siti: Account) -> None:
    one, other = _sign_in(portal).json(), _sign_in(portal).json()
    body = {"current_password": PASSWORD, "new_password": "quite-another-one"}
    answer = _post(portal, "password", body, one["access_token"])

    assert (answer.status_code, answer.content) == (204, b"")
    assert [_me(portal, pair["access_token"]) for pair in (one, other)] == [401, 401]
    assert _post(portal, "refresh", {"refresh_token": other["refresh_token"]}).status_code == 401
    assert _sign_in(portal).status_code == 401
    assert _sign_in(portal, password="quite-another-one").status_code == 200


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
    token = _sign_in(portal).json()["access_token"]
    answer = _post(portal, "password", body, token)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert _me(portal, token) == 200


def test_a_password_kept_in_an_old_way_is_kept_anew_and_signs_nobody_out(
    portal: Client, siti: Account, settings: Any
) -> None:
    token = _sign_in(portal).json()["access_token"]
    settings.PASSWORD_HASHERS = ["members.hashers.AccountPasswordHasher", *settings.PASSWORD_HASHERS]

    assert _sign_in(portal).status_code == 200
    assert Account.objects.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert _me(portal, token) == 200


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
