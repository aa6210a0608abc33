"""Access tokens whose signature was checked a moment ago."""

from typing import Any

import pytest
from rest_framework_simplejwt.exceptions import TokenError

from members import token_cache, token_families
from members.models import Account
from members.token_cache import VerifiedTokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def access() -> str:
    """An access token."""
    return token_families.begin(Account.objects.create_user("a@example.com", "some-password")).access


def test_a_signature_is_checked_once(access: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = VerifiedTokens()
    first = tokens.claims_of(access)

    def fail(_text: str) -> None:
        raise AssertionError("checked again")

    monkeypatch.setattr(token_cache, "AccessToken", fail)

    assert tokens.claims_of(access) == first


def test_a_kept_token_is_checked_anew_when_its_life_ends(access: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    tokens = VerifiedTokens(lambda: now[0])
    claims = tokens.claims_of(access)

    def refuse(_text: str) -> None:
        raise TokenError("expired")

    monkeypatch.setattr(token_cache, "AccessToken", refuse)
    now[0] = claims.expires_at + 29.9

    assert tokens.claims_of(access) == claims
    now[0] = claims.expires_at + 30.0
    with pytest.raises(TokenError):
        tokens.claims_of(access)


def test_what_is_no_token_is_not_kept(access: str) -> None:
    tokens = VerifiedTokens()
    for _ in range(2):
        with pytest.raises(TokenError):
            tokens.claims_of(f"{access}x")

    assert tokens._kept == {}


def test_no_more_than_a_bound_are_kept(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "MAX_KEPT", 3)
    tokens = VerifiedTokens()
    account = Account.objects.create_user("a@example.com", "some-password")
    for _ in range(7):
        tokens.claims_of(token_families.begin(account).access)

    assert len(tokens._kept) == 1
