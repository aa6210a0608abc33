"""Several that use one refresh token at once, each with a connection of its own to a database on disk."""

import os
import subprocess
import sys
from pathlib import Path


def test_of_eight_that_refresh_at_once_one_wins_and_seven_are_told_so(tmp_path: Path) -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'accounts.sqlite3'}",
    }
    run = subprocess.run(
        [sys.executable, "-m", "tests.members.refreshes_at_once"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stdout.split() == ["token_already_rotated"] * 7 + ["won"], run.stderr
