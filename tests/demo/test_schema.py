"""schemathesis asks the running gateway whatever the OpenAPI document allows, and much that it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.conftest import Demo

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
HERE = Path(__file__).resolve().parent
MEMBERS = {"siti.rahayu@example.com": "m-1", "second.member@example.com": "m-2"}


@pytest.mark.parametrize("email", [*MEMBERS, "provider@example.com", "admin@example.com"])
def test_all_checks_find_nothing(email: str, demo: Demo, tmp_path: Path) -> None:
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "signed_in_by_token", "PYTHONPATH": str(HERE)}
    if email in MEMBERS:
        environment |= {"SCHEMATHESIS_HOOKS": "own_data_only", "OWN_MEMBER_ID": MEMBERS[email]}
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{demo.gateway}/api/v1/schema", "--url", demo.gateway),
        *("--header", f"Authorization: {demo.headers(email)['Authorization']}"),
        *("--max-examples", "20", "--seed", "1", "--request-timeout", "20", "--no-color"),
    ]

    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout[-10_000:] + run.stderr[-2_000:]
