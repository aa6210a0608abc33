"""A thousand processes are killed while they write the audit trail: what was answered is there, the chain whole."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway import ROOT, migrated_database
from tests.support.processes import clean_environment


def told(directory: Path, kills: int) -> dict[str, Any]:
    """What is lacking after so many kills."""
    database = directory / "trail.sqlite3"
    shutil.copy(migrated_database(), database)
    done = subprocess.run(
        [sys.executable, "-m", "tests.security.recorder_kills", str(kills)],
        cwd=ROOT,
        env={
            **clean_environment(),
            "ENVIRONMENT": "development",
            "DJANGO_SETTINGS_MODULE": "bff_project.settings",
            "DATABASE_URL": f"sqlite:///{database}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("told: "))
    found: dict[str, Any] = json.loads(line.removeprefix("told: "))
    return found


@pytest.mark.parametrize(
    "kills", [10, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(900)])], ids=["ten", "a thousand"]
)
def test_killed_processes_leave_no_gap_but_the_promised_second_of_members_own_looks(tmp_path: Path, kills: int) -> None:
    found = told(tmp_path, kills)

    assert (found["staffs"], found["early"], found["twice"], found["findings"]) == ([], [], 0, [])
    assert found["killed"] >= kills
    assert found["answers"] >= 2 * kills
