"""Each portal's first page is one call, and takes about as long as its slowest service."""

import time
from collections.abc import Callable

import pytest
from django.test import Client

from sandbox.testing import Sandbox
from tests.portal.addresses import PROFILE

DELAY_SECONDS = 0.3


@pytest.mark.alone
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "address", "services"),
    [
        ("member", "dashboard/m-1", {"member", "claims", "benefit", "policy", "notification"}),
        ("member", "members/m-1", set(PROFILE.values())),
        ("provider", "providers/prov-1/dashboard", {"provider", "claims", "notification"}),
        ("admin", "admin/overview", {"claims"}),
    ],
)
def test_a_first_page_takes_about_as_long_as_its_slowest_service(
    sandbox: Sandbox, portal: Callable[[str], Client], role: str, address: str, services: set[str]
) -> None:
    client = portal(role)
    for name in services:
        sandbox.fault(name, "delay", delay_seconds=DELAY_SECONDS)

    began = time.monotonic()
    answer = client.get(f"/api/v1/{address}")
    seconds = time.monotonic() - began

    assert (answer.status_code, answer.json()["meta"]["complete"]) == (200, True)
    assert {name for name in services if sandbox.calls(name).total} == services
    assert DELAY_SECONDS <= seconds < 2 * DELAY_SECONDS
