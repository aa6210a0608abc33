"""What tests of events share: a secret, a cache and a sandbox of their own, and portals."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from members import token_families
from members.models import Account
from tests.events.signing import SECRET
from tests.support.answering import upstreams
from tests.support.well_upstreams import running, sandbox

__all__ = ["running", "sandbox", "upstreams"]

ROLES: dict[str, dict[str, Any]] = {
    "member": {"member_id": "m-1"},
    "provider": {"provider_id": "prov-1"},
    "admin": {"is_admin": True},
}


@pytest.fixture(autouse=True)
def _secret(settings: Any) -> None:
    settings.EVENTS_WEBHOOK_SECRET = (SECRET,)
    settings.CACHE_KEY_PREFIX = uuid.uuid4().hex
    settings.RATE_LIMIT_MAX = 100_000
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def portal() -> Callable[[str], Client]:
    """Makes a client signed in with a role. The test says which database it needs."""

    def make(role: str = "member") -> Client:
        account = Account.objects.create_user(f"{uuid.uuid4().hex}@example.org", "a-password", **ROLES[role])
        token = token_families.begin(account).access
        return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})

    return make
