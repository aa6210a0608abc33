"""The tree as the image has it, without the sandbox and the tests: every command of production works there."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

import pytest

from bff_project.processes.ports import free_port
from bff_project.processes.worker import READY
from tests.platform.settings_of import ROOT
from tests.platform.test_django_habits import SECRETS, answer_of, environment_of
from tests.support.gateway import migrated_database
from tests.support.processes import Started
from tests.support.waiting import wait_until

EVERYWHERE = "**/"
#: The sandbox checks its answers with it; requirements/base.txt does not install it.
DEVELOPMENT_PACKAGE = "jsonschema_rs"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, without what `.dockerignore` names."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    below = [pattern.removeprefix(EVERYWHERE) for pattern in ignored if pattern.startswith(EVERYWHERE)]

    def leave_out(folder: str, names: Iterable[str]) -> set[str]:
        patterns = [*ignored, *below] if Path(folder) == ROOT else below
        return {name for name in names if any(fnmatch(name, pattern) for pattern in patterns)}

    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("image") / "app", ignore=leave_out))


def run(folder: Path, environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_image_has_neither_sandbox_nor_tests(image: Path) -> None:
    folders = {path.name for path in image.iterdir() if path.is_dir()}

    assert {"bff_project", "gateway_clients", "claims", "members", "dashboard"} <= folders
    assert not {"sandbox", "tests", "docs", ".git"} & folders


def test_check_deploy_finds_nothing_in_the_image(image: Path, tmp_path: Path) -> None:
    values = {**environment_of(tmp_path), "ENVIRONMENT": "production", **SECRETS}

    checked = run(image, values, "-W", "error", "manage.py", "check", "--deploy", "--fail-level=WARNING")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("System check identified no issues")


@pytest.mark.parametrize(("is_image", "loaded"), [(True, "[]"), (False, "['sandbox', 'sandbox.apps']")])
def test_gateway_loads_nothing_of_the_sandbox(is_image: bool, loaded: str, image: Path, tmp_path: Path) -> None:
    program = (
        f"import sys; sys.modules[{DEVELOPMENT_PACKAGE!r}] = None\n"
        "import bff_project.wsgi\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('sandbox', 'tests')))"
    )

    imported = run(image if is_image else ROOT, environment_of(tmp_path), "-c", program)
    assert (imported.returncode, imported.stdout.strip()) == (0, loaded), imported.stderr


@pytest.mark.parametrize("command", ["serve", "run_worker"])
def test_processes_run_in_the_image(command: str, image: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_database(), tmp_path / "db.sqlite3")
    port = free_port()
    values = {"PORT": str(port), "ENABLE_METRICS": "false", "DRAIN_SECONDS": "0", "WORKERS": "1"}
    started = Started(
        [sys.executable, "manage.py", command],
        cwd=image,
        environment={**environment_of(tmp_path), **values},
        log=tmp_path / "log",
    )
    is_up = {
        "serve": lambda: answer_of(port, "/health/live") == (200, {"status": "alive"}),
        "run_worker": lambda: READY in started.output,
    }
    try:
        wait_until(is_up[command], seconds=30)
        assert started.stop(signal.SIGTERM) == 0
    finally:
        started.remove()


def test_run_demo_says_what_it_wants(image: Path, tmp_path: Path) -> None:
    refused = run(image, environment_of(tmp_path), "manage.py", "run_demo")

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        "CommandError: run_demo starts the sandbox, which is not here: it needs a checkout, not the image."
    )
