"""simplejwt as its documentation says: its settings, its token classes, its tokens made by hand."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.test import Client
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from members import token_families
from members.models import Account, TokenFamily
from members.tokens import AccessToken, RefreshToken

pytestmark = pytest.mark.django_db
ME = "/api/v1/auth/me"


@pytest.fixture
def account() -> Account:
    """An account."""
    return Account.objects.create_user("siti@example.com", "some-password", member_id="m-1")


@pytest.fixture
def said(settings: Any) -> Any:
    """Says something in `SIMPLE_JWT`."""

    def say(**values: Any) -> None:
        settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, **values}

    return say


def claims_of(token: object) -> dict[str, Any]:
    return jwt.decode(str(token), options={"verify_signature": False})


def status_with(portal: Client, token: object, scheme: str = "Bearer", header: str = "Authorization") -> int:
    return portal.get(ME, headers={header: f"{scheme} {token}"}).status_code


def test_tokens_are_of_its_classes(account: Account) -> None:
    assert issubclass(AccessToken, simplejwt.AccessToken)
    assert issubclass(RefreshToken, simplejwt.RefreshToken)
    assert isinstance(RefreshToken.for_user(account).access_token, AccessToken)


def test_tokens_made_by_hand_are_good_and_end_with_their_family(portal: Client, account: Account) -> None:
    refresh = RefreshToken.for_user(account)
    tokens = (AccessToken.for_user(account), refresh.access_token)

    assert [status_with(portal, token) for token in tokens] == [200, 200]
    assert token_families.rotate(str(refresh)).account == account
    token_families.end(str(token_families.begin(account).refresh))
    TokenFamily.objects.filter(account=account).delete()
    assert [status_with(portal, token) for token in tokens] == [401, 401]


def test_lifetimes(said: Any, account: Account) -> None:
    said(ACCESS_TOKEN_LIFETIME=timedelta(seconds=77), REFRESH_TOKEN_LIFETIME=timedelta(seconds=99))
    pair = token_families.begin(account)
    access, refresh = claims_of(pair.access), claims_of(pair.refresh)

    assert (access["exp"] - access["iat"], refresh["exp"] - refresh["iat"], pair.expires_in_seconds) == (77, 99, 77)
    life = TokenFamily.objects.get().expires_at.timestamp() - refresh["iat"]
    assert 98 <= life <= 101


@pytest.mark.parametrize(("leeway", "status"), [(0, 401), (timedelta(seconds=90), 200)])
def test_leeway(said: Any, portal: Client, account: Account, leeway: Any, status: int) -> None:
    said(LEEWAY=leeway, ACCESS_TOKEN_LIFETIME=timedelta(seconds=-60))

    assert status_with(portal, token_families.begin(account).access) == status


def test_claim_of_the_account(said: Any, portal: Client, account: Account) -> None:
    said(USER_ID_CLAIM="who")
    pair = token_families.begin(account)

    assert claims_of(pair.access).keys() == {"who", "sid", "jti", "token_type", "iss", "aud", "iat", "exp"}
    assert claims_of(pair.access)["who"] == claims_of(pair.refresh)["who"] == str(account.pk)
    assert status_with(portal, pair.access) == 200
    assert token_families.rotate(pair.refresh).account == account


@pytest.mark.parametrize("name", ["HS384", "HS512"])
def test_algorithm(said: Any, portal: Client, account: Account, settings: Any, name: str) -> None:
    settings.JWT_SECRET, settings.REFRESH_TOKEN_SECRET = ("s" * 64,), ("r" * 64,)
    before = token_families.begin(account).access
    said(ALGORITHM=name)
    after = token_families.begin(account).access

    assert jwt.get_unverified_header(after)["alg"] == name
    assert [status_with(portal, token) for token in (before, after)] == [401, 200]


@pytest.mark.parametrize(("name", "claim"), [("ISSUER", "iss"), ("AUDIENCE", "aud")])
def test_issuer_and_audience(said: Any, portal: Client, account: Account, name: str, claim: str) -> None:
    before = token_families.begin(account).access
    said(**{name: "another"})
    after = token_families.begin(account).access

    assert claims_of(after)[claim] == "another"
    assert [status_with(portal, token) for token in (before, after)] == [401, 200]


def test_header(said: Any, portal: Client, account: Account) -> None:
    said(AUTH_HEADER_TYPES=("JWT", "Bearer"), AUTH_HEADER_NAME="HTTP_X_TOKEN")
    access = token_families.begin(account).access

    assert status_with(portal, access, "JWT", "X-Token") == status_with(portal, access, "Bearer", "X-Token") == 200
    assert status_with(portal, access) == 401


def test_its_own_authentication_takes_our_tokens(account: Account) -> None:
    authentication = JWTAuthentication()
    token = authentication.get_validated_token(str(AccessToken.for_user(account)).encode())

    assert isinstance(token, AccessToken)
    assert authentication.get_user(token) == account


def test_errors_are_its_own(said: Any, account: Account) -> None:
    access = str(AccessToken.for_user(account))
    with pytest.raises(TokenError):
        RefreshToken(access)
    said(LEEWAY=0, ACCESS_TOKEN_LIFETIME=timedelta(seconds=-1))
    with pytest.raises(ExpiredTokenError):
        AccessToken(str(AccessToken.for_user(account)))
