"""Several that use one refresh token, or change one password, at once: each with a connection of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.writes.servers import postgres


@contextmanager
def sqlite(directory: Path) -> Iterator[str]:
    """The URL of a database on disk."""
    yield f"sqlite:///{directory / 'accounts.sqlite3'}"


Engine = Callable[[Path], AbstractContextManager[str]]
ENGINES: dict[str, Engine] = {"SQLite": sqlite, "PostgreSQL": lambda _: postgres()}


def printed(script: str, engine: str, directory: Path) -> list[str]:
    """What a script of this folder prints, run with a database of its own."""
    with ENGINES[engine](directory) as url:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "bff_project.settings",
            "ENVIRONMENT": "development",
            "DATABASE_URL": url,
        }
        run = subprocess.run(
            [sys.executable, "-m", f"tests.members.{script}"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


@pytest.mark.parametrize("engine", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.long)])
def test_of_eight_that_refresh_at_once_one_wins_and_seven_are_told_so(engine: str, tmp_path: Path) -> None:
    assert printed("refreshes_at_once", engine, tmp_path) == ["token_already_rotated"] * 7 + ["won"]


@pytest.mark.parametrize("engine", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.long)])
def test_of_eight_that_change_a_password_at_once_one_wins_and_seven_are_told_so(engine: str, tmp_path: Path) -> None:
    assert printed("password_changes_at_once", engine, tmp_path) == ["bad_user_input"] * 7 + ["True", "0"]
