"""Health, as load balancers and people see it."""

from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from gateway_clients.edge import health

pytestmark = pytest.mark.django_db


def test_live_answers_before_anything_else_is_touched(portal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_request: object) -> None:
        raise AssertionError("touched")

    monkeypatch.setattr("gateway_clients.edge.middleware.context_from", broken)
    answer = portal.get("/health/live", headers={"Host": "anything"})

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_ready_is_503_while_draining(portal: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drain_file = tmp_path / "drain"
    monkeypatch.setenv("DRAIN_FILE", str(drain_file))
    before = portal.get("/health/ready").status_code
    drain_file.touch()

    assert (before, portal.get("/health/ready").status_code) == (200, 503)


@pytest.mark.parametrize(("redis", "status"), [("up", "healthy"), ("down", "degraded")])
def test_the_report_is_200_and_names_what_is_down(
    portal: Client, monkeypatch: pytest.MonkeyPatch, redis: str, status: str
) -> None:
    monkeypatch.setitem(health.CHECKS, "redis", lambda: redis)
    answer = portal.get("/health")

    assert (answer.status_code, answer.json()) == (
        200,
        {"status": status, "checks": {"database": "up", "redis": redis}},
    )


def test_a_database_that_does_not_answer_is_down(portal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("no")

    monkeypatch.setattr(health.connection, "cursor", refuse)

    assert health.database_state() == "down"


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
@pytest.mark.parametrize("host", ["10.42.8.201:4000", "[fd00::8]:4000", ""])
def test_a_probe_is_answered_whatever_host_it_names(portal: Client, path: str, host: str) -> None:
    assert portal.get(path, headers={"Host": host}).status_code == 200
    assert portal.get("/api-docs", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_a_probe_without_a_host_is_answered(portal: Client, path: str) -> None:
    assert portal.get(path, HTTP_HOST="", SERVER_NAME="0.0.0.0", SERVER_PROTOCOL="HTTP/1.0").status_code == 200
