"""Fixtures of tests that speak as a portal: counters and a Redis guard of their own, and accounts to sign in with."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from gateway_clients.caching import counters
from gateway_clients.edge.rate_limit import limiter_cache
from gateway_clients.redis_access.circuit import RedisCircuit, default_connection
from members import token_families
from members.models import Account
from members.tokens import AccessToken

SignedIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def own_counters(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees what another counted."""
    settings.CACHES = {**settings.CACHES, "limits": {**settings.CACHES["limits"], "KEY_PREFIX": uuid.uuid4().hex}}
    monkeypatch.setattr(counters, "LOCAL_COUNTERS", counters.LocalCounters())
    circuit = RedisCircuit(default_connection)
    monkeypatch.setattr(limiter_cache, "cache_guard", lambda: circuit)


@pytest.fixture(autouse=True)
def fast_passwords(settings: Any) -> None:
    """Hashing is not what is tested."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def portal() -> Client:
    """A client that sees answers, never exceptions."""
    return Client(raise_request_exception=False)


@pytest.fixture
def signed_in(db: None) -> SignedIn:
    """Makes a client with the access token of a new account."""

    def make(**fields: Any) -> Client:
        account = Account.objects.create_user(f"{uuid.uuid4().hex}@example.com", "some-password", **fields)
        token = token_families.begin(account).access
        return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})

    return make


def expired(access: str) -> str:
    """An access token as it is when its time is over."""
    token = AccessToken(access)
    token["exp"] = 1
    return str(token)
