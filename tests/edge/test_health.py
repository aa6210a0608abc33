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
