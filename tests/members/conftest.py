"""What tests of people share."""

from collections.abc import Iterator

import pytest

from gateway_clients.caching.store import cluster
from members.models import Account
from tests.members.calls import PASSWORD
from tests.support.answering import upstreams
from tests.support.portals import fast_passwords, own_counters, portal, signed_in

__all__ = ["fast_passwords", "own_counters", "portal", "signed_in", "upstreams"]


@pytest.fixture
def siti() -> Account:
    """A member."""
    return Account.objects.create_user("Siti@Example.com", PASSWORD, name="Siti Rahayu", member_id="m-1")


@pytest.fixture
def leased() -> Iterator[None]:
    """This process holds a lease, so that it remembers whom it has looked up."""
    lease = cluster().lease
    lease.begin()
    lease.renewed("e", 0, float("inf"))
    yield
    lease.begin()
    cluster().near.drop(())
