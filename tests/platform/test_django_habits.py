"""Django's own commands work as its documentation says."""

import http.client
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bff_project.processes.ports import free_port
from tests.platform.settings_of import ROOT
from tests.support.processes import Started, clean_environment
from tests.support.waiting import wait_until

#: Long enough, and none of them an example.
SECRETS = {
    "SECRET_KEY": "a-key-that-was-made-for-this-test-and-is-long-enough-01",
    "JWT_SECRET": "b" * 32,
    "REFRESH_TOKEN_SECRET": "c" * 32,
    "CACHE_ENCRYPTION_KEYS": "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5MTI=",
}


def manage(path: Path, command: str, *arguments: str, **values: str) -> str:
    """What a command that succeeds prints; warnings are errors."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", command, *arguments],
        cwd=ROOT,
        env={**environment_of(path), **values},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def environment_of(path: Path) -> dict[str, str]:
    return {**clean_environment(), "ENVIRONMENT": "development", "DATABASE_URL": f"sqlite:///{path / 'db.sqlite3'}"}


def test_dumpdata_passes_over_what_has_no_table(tmp_path: Path) -> None:
    manage(tmp_path, "migrate", "--verbosity=0")

    models = {record["model"] for record in json.loads(manage(tmp_path, "dumpdata"))}
    assert models == {"auth.permission", "contenttypes.contenttype"}


def test_collectstatic_fills_the_static_root(tmp_path: Path) -> None:
    output = manage(tmp_path, "collectstatic", "--noinput", "--dry-run")

    assert f"static files copied to '{ROOT / 'staticfiles'}'." in output


def test_check_deploy_has_no_warning_for_good_settings(tmp_path: Path) -> None:
    output = manage(tmp_path, "check", "--deploy", "--fail-level=WARNING", ENVIRONMENT="production", **SECRETS)

    assert output.startswith("System check identified no issues")


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "runserver", "--noreload", "127.0.0.1:{port}"),
        ("-m", "gunicorn", "bff_project.wsgi", "--bind=127.0.0.1:{port}"),
    ],
)
def test_other_servers_serve_the_gateway(tmp_path: Path, command: tuple[str, ...]) -> None:
    port = free_port()
    server = Started(
        [sys.executable, *(part.format(port=port) for part in command)],
        cwd=ROOT,
        environment=environment_of(tmp_path),
        log=tmp_path / "log",
    )
    try:
        wait_until(lambda: answer_of(port, "/health/live") == (200, {"status": "alive"}), seconds=30)
        assert answer_of(port, "/api/v1/auth/me")[0] == 401
    finally:
        server.remove()


def answer_of(port: int, path: str) -> tuple[int, object]:
    """The status and the JSON of an answer; (0, None) while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except ConnectionError:
        return 0, None
    finally:
        connection.close()
