"""The Dockerfile's steps, done in a clean folder with a Python of this machine; its packages on other machines."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from bff_project import __version__
from bff_project.processes.ports import LOOPBACK, free_port
from gateway_clients.conf import SERVICES
from tests.deploy.built_image import Image, require_packages
from tests.deploy.test_image import stages
from tests.platform.settings_of import ROOT
from tests.support.otlp_collector import OtlpCollector
from tests.support.plugin import NO_REDIS
from tests.support.processes import Started
from tests.support.programs import program
from tests.support.waiting import wait_until

REQUIREMENTS: Final = ROOT / "requirements" / "base.txt"
#: Written in Python alone, and published as source.
WITHOUT_WHEEL: Final = {"promise-2.3.tar.gz"}
#: glibc of Debian 12 is 2.36; a wheel for an older one runs there too.
GLIBC: Final = range(17, 37)
PINNED: Final = re.compile(r"^[\w.\[\],-]+==", re.MULTILINE)
SECRETS: Final = {
    "SECRET_KEY": "a-secret-key-of-the-test-of-the-built-image-itself-50-letters",
    "JWT_SECRET": "a-secret-of-tokens-of-the-test-of-the-built-image",
    "REFRESH_TOKEN_SECRET": "another-secret-of-tokens-of-the-built-image",
    "AUDIT_KEYS": "a-key-of-the-audit-trail-of-the-built-image",
    "CACHE_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


def test_hadolint_finds_nothing() -> None:
    hadolint = program(str(Path(sys.executable).parent / "hadolint"), "hadolint")
    done = subprocess.run([hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.returncode) == ("", 0)


def test_its_label_says_where_the_list_of_its_packages_is() -> None:
    (label,) = (line for line in stages()["gateway"] if line.startswith("LABEL "))
    assert label.endswith(' web-bff.sbom="/app/packages.txt"')
    assert "COPY --from=build /tmp/packages.txt /app/packages.txt" in stages()["runtime"]


@pytest.mark.long
def test_every_pin_has_a_wheel_for_arm(tmp_path: Path) -> None:
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in GLIBC]
    options = ["--dry-run", "--ignore-installed", "--no-deps", "--require-hashes", "--quiet", "--python-version=3.11"]
    report = tmp_path / "report.json"
    install(
        *options, "--platform=manylinux2014_aarch64", *platforms, "--implementation=cp", f"--target={tmp_path}",
        f"--report={report}", "-r", str(REQUIREMENTS),
    )  # fmt: skip

    found: list[dict[str, Any]] = json.loads(report.read_text())["install"]
    names = {each["download_info"]["url"].rpartition("/")[2] for each in found}
    assert len(found) == len(PINNED.findall(REQUIREMENTS.read_text()))
    assert {name for name in names if not name.endswith(".whl")} == WITHOUT_WHEEL


def install(*arguments: str) -> None:
    """Runs `pip install`."""
    require_packages(
        subprocess.run(
            [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *arguments],
            capture_output=True, text=True, check=False, timeout=280,
        )
    )  # fmt: skip


@contextmanager
def serving(image: Image, folder: Path, **settings: str) -> Iterator[str]:
    """The address of what is in the image, which runs as it would run there and passes its own health check."""
    port = free_port()
    environment = image.environment(
        **SECRETS,
        **{f"{name.upper()}_SERVICE_URL": f"http://{LOOPBACK}:1" for name in SERVICES},
        PORT=str(port),
        METRICS_PORT=str(free_port()),
        REDIS_URL=NO_REDIS,
        DATABASE_URL=f"sqlite:///{folder / 'db.sqlite3'}",
        ALLOWED_HOSTS="gateway.example.com",
        DRAIN_SECONDS="0",
        **settings,
    )
    migrated = subprocess.run(
        [image.command("CMD")[0], "manage.py", "migrate", "--noinput"],
        cwd=image.app, env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert migrated.returncode == 0, migrated.stderr

    def is_well() -> bool:
        done = subprocess.run(image.command("HEALTHCHECK"), env=environment, check=False, capture_output=True)
        return done.returncode == 0

    started = Started(image.command("CMD"), cwd=image.app, environment=environment, log=folder / "log")
    try:
        wait_until(is_well, seconds=60)
        yield f"http://{LOOPBACK}:{port}"
        assert started.stop() == 0
    finally:
        started.remove()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    made = Image(tmp_path_factory.mktemp("image"))
    made.build()
    return made


@pytest.mark.long
@pytest.mark.timeout(400)
def test_what_its_steps_make_serves_and_passes_its_own_health_check(image: Image, tmp_path: Path) -> None:
    assert image.packages() == image.told_packages()
    assert not any(name.startswith("opentelemetry") for name in image.packages())
    assert not {"sandbox", "tests"} & {path.name for path in image.app.iterdir()}
    with serving(image, tmp_path):
        pass


@pytest.mark.long
@pytest.mark.timeout(400)
def test_one_with_traces_sends_them(image: Image, tmp_path: Path) -> None:
    traced = Image(tmp_path / "root", WITH_TRACES="1")
    traced.build(beside=image)

    assert traced.packages() == traced.told_packages()
    with (
        OtlpCollector() as collector,
        serving(traced, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="50") as url,
    ):
        assert requests.get(f"{url}/health/ready", timeout=10).status_code == 200
        wait_until(lambda: bool(collector.spans()), seconds=10)

    (span,) = collector.spans()
    assert (span.name, span.attributes["http.response.status_code"]) == ("GET /health/ready", 200)
    assert span.resource["service.version"] == __version__
