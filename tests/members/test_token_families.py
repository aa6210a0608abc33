"""Refreshing, signing out, and tokens that were used before."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from members import token_families
from members.models import Account, TokenFamily
from tests.members.calls import me, post, sign_in

pytestmark = pytest.mark.django_db


def test_a_refresh_gives_a_new_pair(portal: Client, siti: Account) -> None:
    first = sign_in(portal).json()
    second = post(portal, "refresh", {"refresh_token": first["refresh_token"]}).json()

    assert second["user"] == first["user"]
    assert second["refresh_token"] != first["refresh_token"]
    assert me(portal, second["access_token"]) == 200
    assert post(portal, "refresh", {"refresh_token": second["refresh_token"]}).status_code == 200


def test_a_refresh_token_used_again_at_once_is_409_and_ends_nothing(portal: Client, siti: Account) -> None:
    first = sign_in(portal).json()
    second = post(portal, "refresh", {"refresh_token": first["refresh_token"]}).json()
    again = post(portal, "refresh", {"refresh_token": first["refresh_token"]})

    assert (again.status_code, again.json()["code"]) == (409, "token_already_rotated")
    assert me(portal, second["access_token"]) == 200


def test_a_refresh_token_used_again_later_ends_the_family(portal: Client, siti: Account) -> None:
    other = sign_in(portal).json()
    first = sign_in(portal).json()
    second = post(portal, "refresh", {"refresh_token": first["refresh_token"]}).json()
    TokenFamily.objects.update(rotated_at=timezone.now() - timedelta(seconds=5.1))
    again = post(portal, "refresh", {"refresh_token": first["refresh_token"]})

    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")
    assert me(portal, second["access_token"]) == 401
    assert post(portal, "refresh", {"refresh_token": second["refresh_token"]}).status_code == 401
    assert me(portal, other["access_token"]) == 200


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass for the families of tokens."""
    begun, passed = datetime.now(UTC), timedelta()

    def wait(seconds: float) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)

    monkeypatch.setattr(token_families.timezone, "now", lambda: begun + passed)
    return wait


def test_each_token_that_was_traded_within_5_seconds_is_409_and_ends_nothing(
    portal: Client, siti: Account, clock: Callable[[float], None]
) -> None:
    pairs = [sign_in(portal).json()]
    for _ in range(4):
        pairs.append(post(portal, "refresh", {"refresh_token": pairs[-1]["refresh_token"]}).json())
        clock(1.2)

    for pair in pairs[:-1]:
        again = post(portal, "refresh", {"refresh_token": pair["refresh_token"]})
        assert (again.status_code, again.json()["code"]) == (409, "token_already_rotated")
    assert me(portal, pairs[-1]["access_token"]) == 200
    assert post(portal, "refresh", {"refresh_token": pairs[-1]["refresh_token"]}).status_code == 200


def test_a_token_that_was_traded_5_seconds_ago_ends_the_family_though_its_successors_are_newer(
    portal: Client, siti: Account, clock: Callable[[float], None]
) -> None:
    first = sign_in(portal).json()
    second = post(portal, "refresh", {"refresh_token": first["refresh_token"]}).json()
    clock(4)
    third = post(portal, "refresh", {"refresh_token": second["refresh_token"]}).json()
    clock(1.1)

    assert post(portal, "refresh", {"refresh_token": second["refresh_token"]}).status_code == 409
    assert post(portal, "refresh", {"refresh_token": first["refresh_token"]}).status_code == 401
    assert me(portal, third["access_token"]) == 401


def test_a_family_remembers_the_tokens_of_5_seconds_alone(siti: Account, clock: Callable[[float], None]) -> None:
    pair = token_families.begin(siti)
    for _ in range(20):
        clock(1.7)
        pair = token_families.rotate(pair.refresh)

    assert len(TokenFamily.objects.get().earlier) == 2


def test_a_family_that_is_gone_in_the_middle_of_a_refresh_is_401(
    portal: Client, siti: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = sign_in(portal).json()
    made = token_families.RefreshToken.of

    def of_a_family_that_goes(family: TokenFamily) -> Any:
        TokenFamily.objects.all().delete()
        return made(family)

    monkeypatch.setattr(token_families.RefreshToken, "of", of_a_family_that_goes)

    assert post(portal, "refresh", {"refresh_token": pair["refresh_token"]}).status_code == 401


def test_a_logout_ends_the_family_and_its_access_tokens(portal: Client, siti: Account) -> None:
    other = sign_in(portal).json()
    pair = sign_in(portal).json()
    answer = post(portal, "logout", {"refresh_token": pair["refresh_token"]})

    assert (answer.status_code, answer.content) == (204, b"")
    assert me(portal, pair["access_token"]) == 401
    assert post(portal, "refresh", {"refresh_token": pair["refresh_token"]}).status_code == 401
    assert me(portal, other["access_token"]) == 200
