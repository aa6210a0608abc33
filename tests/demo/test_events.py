"""In the demo a claim's status moves, and the next dashboard shows it."""

import pytest
import requests

from tests.demo.conftest import Demo

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
WAY = ("processing", "approved", "paid")


def test_a_claim_that_moves_is_shown_at_once(demo: Demo) -> None:
    headers = demo.headers("siti.rahayu@example.com")
    address = f"{demo.gateway}/api/v1/dashboard/m-1"
    claim = requests.get(address, headers=headers, timeout=10).json()["recent_claims"][0]
    for status in WAY:
        cached = requests.get(address, headers=headers, timeout=10).json()["meta"]["sections"]["recent_claims"]
        assert cached["state"] == "cached"

        url = f"{demo.services['claims']}/_sandbox/claims/{claim['id']}/status"
        requests.post(url, json={"status": status}, timeout=10).raise_for_status()

        shown = requests.get(address, headers=headers, timeout=10).json()
        assert shown["recent_claims"][0]["status"] == status
        assert shown["notifications"][0]["type"] == f"claim_{status}"
