"""Django's own commands work as its documentation says."""

import http.client
import json
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bff_project.processes.ports import free_port
from gateway_clients.conf import SERVICES
from tests.platform.settings_of import ROOT
from tests.support.processes import Started, clean_environment
from tests.support.waiting import wait_until

#: Long enough, and none of them an example.
CHOSEN = {
    **{f"{name.upper()}_SERVICE_URL": f"https://{name}.example" for name in SERVICES},
    "SECRET_KEY": "a-key-that-was-made-for-this-test-and-is-long-enough-01",
    "JWT_SECRET": "b" * 32,
    "REFRESH_TOKEN_SECRET": "c" * 32,
    "AUDIT_KEYS": "d" * 32,
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


@pytest.mark.long
def test_dumpdata_passes_over_what_has_no_table(tmp_path: Path) -> None:
    manage(tmp_path, "migrate", "--verbosity=0")

    models = {record["model"] for record in json.loads(manage(tmp_path, "dumpdata"))}
    # The groups of staff are made by a migration.
    assert models == {"auth.permission", "auth.group", "contenttypes.contenttype"}


def test_collectstatic_fills_the_static_root(tmp_path: Path) -> None:
    output = manage(tmp_path, "collectstatic", "--noinput", "--dry-run")

    assert f"static files copied to '{ROOT / 'staticfiles'}'." in output


def test_check_deploy_has_no_warning_for_good_settings(tmp_path: Path) -> None:
    output = manage(tmp_path, "check", "--deploy", "--fail-level=WARNING", ENVIRONMENT="production", **CHOSEN)

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


@pytest.mark.long
def test_the_metrics_of_all_processes_of_gunicorn_are_served_beside_it(tmp_path: Path) -> None:
    port, metrics_port = free_port(), free_port()
    samples = tmp_path / "samples"
    samples.mkdir()
    environment = {
        **environment_of(tmp_path),
        "METRICS_PORT": str(metrics_port),
        "PROMETHEUS_MULTIPROC_DIR": str(samples),
    }
    gunicorn = ("-m", "gunicorn", "bff_project.wsgi", "--workers=2", f"--bind=127.0.0.1:{port}")
    started = [
        Started([sys.executable, *command], cwd=ROOT, environment=environment, log=tmp_path / f"{name}.log")
        for name, command in {"server": gunicorn, "metrics": ("manage.py", "serve_metrics")}.items()
    ]
    wanted = 'http_request_duration_seconds_count{method="GET",route="/api/v1/auth/me",status="401"} '

    def is_there() -> bool:
        with suppress(TimeoutError):
            return answer_of(port, "/health/live")[0] == 200
        return False

    def counted() -> float:
        connection = http.client.HTTPConnection("127.0.0.1", metrics_port, timeout=10)
        with suppress(OSError), closing(connection):
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
            return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))
        return -1.0

    try:
        wait_until(is_there, seconds=60)
        assert [answer_of(port, "/api/v1/auth/me")[0] for _ in range(20)] == [401] * 20
        wait_until(lambda: counted() == 20.0, seconds=60)
    finally:
        for each in started:
            each.remove()


def test_metrics_beside_another_server_need_the_folder_of_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    with pytest.raises(CommandError, match="PROMETHEUS_MULTIPROC_DIR must be set"):
        call_command("serve_metrics")


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
