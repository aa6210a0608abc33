"""Clients as portals use them, and the public audits, on Node against a running gateway."""

import json
from pathlib import Path
from typing import Any

import pytest

from members.models import Account
from sandbox.testing import Sandbox
from tests.support.node_project import node_project, run
from tests.support.programs import program

__all__ = ["node_project"]

PASSWORD = "a-long-password"


@pytest.fixture
def gateway_url(live_server: Any, sandbox: Sandbox) -> str:
    """A running gateway with the sandbox behind it, and a member's account."""
    Account.objects.create_user("portal@example.com", PASSWORD, member_id="m-1")
    url: str = live_server.url
    return url


def test_every_audit_of_graphql_over_http_passes(node_project: Path, gateway_url: str) -> None:
    results = json.loads(run(program("node"), "audits.mjs", f"{gateway_url}/graphql", cwd=node_project))

    assert len(results) == 61
    assert [each for each in results if each["status"] != "ok"] == []


def test_a_portal_on_urql(node_project: Path, gateway_url: str) -> None:
    asked = (f"{gateway_url}/graphql", "portal@example.com", PASSWORD, "m-1", "m-2")
    told = json.loads(run(program("node"), "urql.mjs", *asked, cwd=node_project))

    assert told["user"] == {"memberId": "m-1", "roles": ["member"], "__typename": "User"}
    assert told["ownError"] is None
    assert told["own"]["memberDashboard"]["name"] == "Siti Rahayu"
    assert len(told["own"]["memberDashboard"]["recentClaims"]) == 5
    assert all(claim["provider"]["name"] for claim in told["own"]["memberDashboard"]["recentClaims"])
    assert told["own"]["memberDashboard"]["meta"]["complete"] is True
    assert told["others"] == {"memberDashboard": None}
    assert told["othersCodes"] == ["FORBIDDEN"]


def test_a_portal_on_openapi_fetch_with_the_documents_types(node_project: Path, gateway_url: str) -> None:
    node = program("node")
    document = f"{gateway_url}/api/v1/schema?format=json"
    run(node, "node_modules/openapi-typescript/bin/cli.js", document, "-o", "schema.d.ts", cwd=node_project)
    run(node, "node_modules/typescript/bin/tsc", "--project", ".", cwd=node_project)

    told = json.loads(run(node, "out/rest.js", gateway_url, "portal@example.com", PASSWORD, "m-1", cwd=node_project))

    assert told["name"] == "Siti Rahayu"
    assert len(told["claims"]) == 5
    assert all(amount.startswith("Rp ") for amount in told["claims"])
    assert set(told["statuses"]) == {"paid"}
    assert told["refusedCode"] == "forbidden"


@pytest.mark.long
def test_a_portal_on_apollo_client_with_a_normalising_cache(node_project: Path, gateway_url: str) -> None:
    asked = (f"{gateway_url}/graphql", "portal@example.com", PASSWORD, "m-1")
    told = json.loads(run(program("node"), "apollo.mjs", *asked, cwd=node_project))

    assert told["errors"] == []
    # Two queries of one dashboard complete each other: both are whole in the cache, and each was sent once.
    assert told["dashboards"] == ["MemberDashboard:m-1"]
    assert told["afterBoth"]["head"]["memberDashboard"]["name"] == "Siti Rahayu"
    assert told["afterBoth"]["head"]["memberDashboard"]["coverageStatus"]["status"] == "active"
    assert len(told["afterBoth"]["body"]["memberDashboard"]["recentClaims"]) == 5
    assert sorted(told["afterDashboards"]) == sorted(
        ["Login by hash", "Login", "Head by hash", "Head", "Body by hash", "Body"]
    )
    # A cancellation shows in the list that is on the page already, which is not asked for again.
    assert told["first"]["status"] == "submitted"
    assert told["cancelled"]["status"] == "submitted"
    assert told["cancelled"]["claim"]["status"] == "cancelled"
    assert (told["shown"]["status"], told["shown"]["statusColor"]) == ("cancelled", "gray")
    assert told["shown"]["actions"] == []
    assert told["seen"] == ["submitted", "cancelled"]
    # A query that was sent once is known by its hash.
    assert told["sent"][-1] == "List by hash"
