"""What tests of writes share: a sandbox whose services really answer, accounts, and a worker that runs when told."""

import datetime
import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from gateway_clients.outbox.dispatcher import work_off
from members import token_families
from members.models import Account
from sandbox.testing import Entry, Sandbox
from tests.support.well_upstreams import running, sandbox
from tests.writes.portal import ACCOUNTS

__all__ = ["running", "sandbox"]


@pytest.fixture
def written(sandbox: Sandbox) -> Callable[..., list[Entry]]:
    """What a service has carried out since the test began."""
    before = {service: len(sandbox.ledger(service)) for service in ("claims", "notification")}

    def entries(service: str = "claims") -> list[Entry]:
        return list(sandbox.ledger(service)[before[service] :])

    return entries


@pytest.fixture
def portal(sandbox: Sandbox) -> Callable[..., Client]:
    """Makes a client signed in as one of ACCOUNTS; each time another account. The test says which database it needs."""

    def make(who: str = "member") -> Client:
        account = Account.objects.create_user(f"{uuid.uuid4().hex}@example.org", "a-password", **ACCOUNTS[who])
        token = token_families.begin(account).access
        client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
        client.account_id = str(account.pk)
        return client

    return make


@pytest.fixture
def later() -> Callable[[float], int]:
    """Runs the worker until nothing is due, as if so many seconds had passed; how many messages it dealt with."""

    def run(seconds: float = 0.0) -> int:
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        return work_off(clock=lambda: now, chance=lambda: 0.0)

    return run
