"""What the Dockerfile puts into each of its images, without a Docker engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from gateway_clients.conf import SERVICES
from tests.platform.settings_of import ROOT
from tests.support.processes import clean_environment

PACKAGES: Final = ["bff_project", "claims", "dashboard", "gateway_clients", "members"]


def stages() -> dict[str, list[str]]:
    """The lines of each stage, by its name; a line that goes on is one."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines():
        words = line.split()
        if words[:1] == ["FROM"]:
            name = words[3]
            found[name] = [f"BASE {words[1]}"]
        elif words and not line.startswith("#"):
            found[name].append(line)
    return found


def copied_from_checkout(stage: str) -> list[str]:
    """What a stage copies from the checkout, without what the stages below it do."""
    lines = (line.split() for line in stages()[stage] if line.startswith("COPY ") and "--from" not in line)
    return [word for words in lines for word in words[1:-1] if not word.startswith("--")]


def test_the_gateways_image_is_the_one_that_is_made_unless_told() -> None:
    assert list(stages()) == ["build", "sandbox-build", "runtime", "sandbox", "gateway"]
    assert stages()["gateway"][0] == "BASE runtime"
    assert copied_from_checkout("gateway") == []


def test_the_gateways_image_has_neither_sandbox_nor_tests() -> None:
    assert sorted(copied_from_checkout("runtime")) == sorted([*PACKAGES, "docs", "manage.py"])


def test_the_sandboxs_image_has_the_sandbox_as_well() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert stages()["sandbox"][0] == "BASE runtime"
    assert copied_from_checkout("sandbox") == ["sandbox"]
    assert not {*ignored} & {"sandbox", *PACKAGES, "manage.py", "requirements"}


@pytest.mark.parametrize("name", ["sandbox", "dev"])
def test_what_is_added_to_the_gateways_packages_changes_none_of_them(name: str) -> None:
    pins = {file: pinned(file) for file in ("base", name)}
    assert pins["base"].items() <= pins[name].items()


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    return dict(line.removesuffix(" \\").split("==") for line in lines if re.match(r"[\w.\[\],-]+==", line))


def test_its_user_is_a_number() -> None:
    users = [line for lines in stages().values() for line in lines if line.startswith("USER ")]
    assert users == ["USER 10001:10001"]
    assert users[0] in stages()["runtime"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with what is in the gateway's image."""
    folder = tmp_path / "app"
    folder.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    for name in copied_from_checkout("runtime"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


#: What the gateway, the worker and the container that waits for the migration begin with, in one process.
BEGIN: Final = """
import django
django.setup()
import bff_project.celery, bff_project.processes.gateway, bff_project.processes.worker, bff_project.wsgi
from django.core.management import call_command
call_command("check", "--deploy", "--fail-level=ERROR")
try:
    call_command("migrate", "--check", verbosity=0)
except SystemExit as waiting:
    print(waiting.code)
call_command("migrate", "--noinput", verbosity=0)
call_command("migrate", "--check", verbosity=0)
print("migrated")
"""


def test_what_is_in_the_image_is_enough_to_run_and_tells_when_it_is_migrated(image: Path) -> None:
    done = run(image, "-c", BEGIN)
    assert done.returncode == 0, done.stdout + done.stderr
    # Threads that were started with the application log whenever they are ready.
    said = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert said[-2:] == ["1", "migrated"]


def run(image: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=image,
        env={
            **clean_environment(),
            "DJANGO_SETTINGS_MODULE": "bff_project.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SECRET_KEY": "a-secret-key-of-the-test-of-the-image",
            "JWT_SECRET": "a-secret-of-tokens-of-the-test-of-the-image",
            "REFRESH_TOKEN_SECRET": "another-secret-of-tokens-of-the-test-of-the-image",
            "AUDIT_KEYS": "a-key-of-the-audit-trail-of-the-test-of-the-image",
            "CACHE_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            **{f"{name.upper()}_SERVICE_URL": f"https://{name}.example" for name in SERVICES},
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
