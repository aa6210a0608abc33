"""What tests of people share."""

import pytest

from members.models import Account
from tests.members.calls import PASSWORD
from tests.support.answering import upstreams
from tests.support.portals import fast_passwords, own_counters, portal, signed_in

__all__ = ["fast_passwords", "own_counters", "portal", "signed_in", "upstreams"]


@pytest.fixture
def siti() -> Account:
    """A member."""
    return Account.objects.create_user("Siti@Example.com", PASSWORD, name="Siti Rahayu", member_id="m-1")
