"""The Node projects of `tests/node`, each installed once for a test run."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.programs import program

HERE: Final = Path(__file__).resolve().parent.parent / "node"
INSTALL_SECONDS: Final = 400
RUN_SECONDS: Final = 120


@pytest.fixture(scope="session")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients and audits with all they need, away from the source; leaves a test out where Node is not."""
    return _installed(HERE, tmp_path_factory)


@pytest.fixture(scope="session")
def linters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The linters with all they need, away from the source; leaves a test out where Node is not."""
    return _installed(HERE / "linters", tmp_path_factory)


def _installed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = program("npm")
    program("node")
    place = tmp_path_factory.mktemp("node") / "project"
    shutil.copytree(project, place, ignore=shutil.ignore_patterns("node_modules", "linters"))
    run(npm, "ci", cwd=place, seconds=INSTALL_SECONDS)
    return place


def run(*command: str, cwd: Path, seconds: float = RUN_SECONDS) -> str:
    """What a command writes to its standard output; fails with all it wrote when it failed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
