"""Clients as portals use them, and the public audits, on Node against a running gateway."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from members.models import Account
from sandbox.testing import Sandbox
from tests.support.programs import program

HERE = Path(__file__).resolve().parent.parent / "node"
PASSWORD = "a-long-password"
SECONDS = 120


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The little Node project with all it needs, away from the source."""
    npm = program("npm")
    program("node")
    place = tmp_path_factory.mktemp("node") / "project"
    shutil.copytree(HERE, place, ignore=shutil.ignore_patterns("node_modules"))
    _run(npm, "ci", cwd=place)
    return place


@pytest.fixture
def gateway_url(live_server: Any, sandbox: Sandbox) -> str:
    """A running gateway with the sandbox behind it, and a member's account."""
    Account.objects.create_user("portal@example.com", PASSWORD, member_id="m-1")
    url: str = live_server.url
    return url


def _run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_audit_of_graphql_over_http_passes(project: Path, gateway_url: str) -> None:
    results = json.loads(_run(program("node"), "audits.mjs", f"{gateway_url}/graphql", cwd=project))

    assert len(results) == 61
    assert [each for each in results if each["status"] != "ok"] == []


def test_a_portal_on_urql(project: Path, gateway_url: str) -> None:
    asked = (f"{gateway_url}/graphql", "portal@example.com", PASSWORD, "m-1", "m-2")
    told = json.loads(_run(program("node"), "urql.mjs", *asked, cwd=project))

    assert told["user"] == {"memberId": "m-1", "roles": ["member"], "__typename": "User"}
    assert told["ownError"] is None
    assert told["own"]["memberDashboard"]["name"] == "Siti Rahayu"
    assert len(told["own"]["memberDashboard"]["recentClaims"]) == 5
    assert all(claim["provider"]["name"] for claim in told["own"]["memberDashboard"]["recentClaims"])
    assert told["own"]["memberDashboard"]["meta"]["complete"] is True
    assert told["others"] == {"memberDashboard": None}
    assert told["othersCodes"] == ["FORBIDDEN"]


def test_a_portal_on_openapi_fetch_with_the_documents_types(project: Path, gateway_url: str) -> None:
    node = program("node")
    document = f"{gateway_url}/api/v1/schema?format=json"
    _run(node, "node_modules/openapi-typescript/bin/cli.js", document, "-o", "schema.d.ts", cwd=project)
    _run(node, "node_modules/typescript/bin/tsc", "--project", ".", cwd=project)

    told = json.loads(_run(node, "out/rest.js", gateway_url, "portal@example.com", PASSWORD, "m-1", cwd=project))

    assert told["name"] == "Siti Rahayu"
    assert len(told["claims"]) == 5
    assert all(amount.startswith("Rp ") for amount in told["claims"])
    assert set(told["statuses"]) == {"paid"}
    assert told["refusedCode"] == "forbidden"
