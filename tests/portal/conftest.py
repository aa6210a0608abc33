"""What tests of the REST addresses share: accounts of every role, and upstreams that answer what a test says."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from members import token_families
from members.models import Account
from tests.support.answering import upstreams
from tests.support.portals import signed_in

__all__ = ["signed_in", "upstreams"]

ACCOUNTS: dict[str, dict[str, Any]] = {
    "member": {"member_id": "m-1"},
    "other member": {"member_id": "m-2"},
    "provider": {"provider_id": "p-1"},
    "other provider": {"provider_id": "p-2"},
    "admin": {"is_admin": True},
    "nobody": {},
}


@pytest.fixture
def as_(db: None, settings: Any) -> Callable[[str], Client]:
    """Makes a client signed in as one of `ACCOUNTS`, or as None: without a token."""
    settings.RATE_LIMIT_MAX = 10_000
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

    def make(who: str | None) -> Client:
        if who is None:
            return Client(raise_request_exception=False)
        account = Account.objects.create_user(f"{uuid.uuid4().hex}@example.org", "a-password", **ACCOUNTS[who])
        token = token_families.begin(account).access
        return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})

    return make
