"""Health, as load balancers and people see it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from bff_project import __version__
from gateway_clients.conf import SERVICES
from gateway_clients.edge.http import health
from gateway_clients.edge.http.health import CHECKS
from gateway_clients.edge.http.health_report import Check, Finding, HealthReport
from gateway_clients.models import OutboxMessage
from gateway_clients.pipeline.fleet_health import FleetHealth, UpstreamHealth
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db


def test_live_answers_before_anything_else_is_touched(portal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_request: object) -> None:
        raise AssertionError("touched")

    monkeypatch.setattr("gateway_clients.edge.http.middleware.context_from", broken)
    answer = portal.get("/health/live", headers={"Host": "anything"})

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_ready_is_503_while_draining(portal: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drain_file = tmp_path / "drain"
    monkeypatch.setenv("DRAIN_FILE", str(drain_file))
    before = portal.get("/health/ready").status_code
    drain_file.touch()

    assert (before, portal.get("/health/ready").status_code) == (200, 503)


ALL_WELL = {
    "database": "up",
    "redis": "up",
    "outbox": {"state": "up", "oldest_due_seconds": 0},
    "upstreams": {name: {"breaker": "closed", "last_answer": "none"} for name in SERVICES},
}


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has checks find something else than that all is well."""

    def find(**found: Any) -> None:
        for name, check in CHECKS.items():
            finding = Finding(ALL_WELL[name], True)
            monkeypatch.setitem(CHECKS, name, replace(check, look=found.get(name, lambda finding=finding: finding)))
        health.health_report.cache_clear()

    find()
    return find


@pytest.mark.parametrize(
    ("redis", "status"), [("up", "healthy"), ("down", "degraded"), ("down for writes", "degraded")]
)
def test_the_report_is_200_and_names_what_is_down(
    portal: Client, surroundings: Callable[..., None], redis: str, status: str
) -> None:
    surroundings(redis=lambda: redis)
    answer = portal.get("/health")

    checks = {**ALL_WELL, "redis": redis}
    assert (answer.status_code, answer.json()) == (200, {"status": status, "version": __version__, "checks": checks})


@pytest.mark.django_db(transaction=True)
def test_the_report_looks_at_what_is_there(portal: Client) -> None:
    checks = portal.get("/health").json()["checks"]

    assert {name: checks[name] for name in ("database", "redis", "outbox")} == {
        name: ALL_WELL[name] for name in ("database", "redis", "outbox")
    }
    assert list(checks["upstreams"]) == list(SERVICES)


def test_a_database_that_does_not_answer_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("no")

    monkeypatch.setattr(connection, "cursor", refuse)

    assert health.database_state() == "down"
    assert health.outbox_state() == Finding({"state": "unknown", "oldest_due_seconds": None}, False)


@pytest.mark.parametrize(
    ("due_seconds_ago", "is_parked", "state", "seconds"),
    [(-5, False, "up", 0), (30, False, "up", 30), (61, False, "late", 61), (999, True, "up", 0)],
)
def test_the_outbox_is_late_when_a_message_has_long_been_due(
    due_seconds_ago: int, is_parked: bool, state: str, seconds: int
) -> None:
    now = timezone.now()
    due_at = now - timedelta(seconds=due_seconds_ago)
    OutboxMessage.objects.create(kind="x", due_at=due_at, parked_at=now if is_parked else None)
    OutboxMessage.objects.create(kind="x", due_at=max(due_at, now))

    assert health.outbox_state() == Finding({"state": state, "oldest_due_seconds": seconds}, state == "up")


def upstream(**known: Any) -> UpstreamHealth:
    well = {"state": "closed", "is_paused": False, "last_answer": "ok", "answered_seconds_ago": 0.0}
    rates = {"calls_per_second": 0.0, "error_rate": 0.0, "p50_ms": None, "p95_ms": None}
    return UpstreamHealth(name="claims", **{**well, **rates, **known})


@pytest.mark.parametrize(
    ("known", "shown", "is_well"),
    [
        ({}, ("closed", "ok"), True),
        ({"last_answer": "none"}, ("closed", "none"), True),
        ({"state": "open", "last_answer": "failed"}, ("open", "failed"), False),
        ({"state": "half-open"}, ("half-open", "ok"), False),
        ({"last_answer": "failed"}, ("closed", "failed"), False),
        ({"last_answer": "failed", "answered_seconds_ago": 301.0}, ("closed", "failed"), True),
        ({"is_paused": True}, ("paused", "ok"), False),
        ({"state": "open", "is_paused": True}, ("open", "ok"), False),
    ],
)
def test_an_upstream_is_well_while_its_breaker_is_closed_and_it_answers(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, Any], shown: tuple[str, str], is_well: bool
) -> None:
    monkeypatch.setattr(health, "fleet_health", lambda: FleetHealth((upstream(**known),), None, True))
    breaker, last_answer = shown

    assert health.upstream_states() == Finding({"claims": {"breaker": breaker, "last_answer": last_answer}}, is_well)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_that_fails_is_not_well_and_costs_the_report_nothing_else(
    portal: Client, surroundings: Callable[..., None], name: str
) -> None:
    def fail() -> str:
        raise RuntimeError("secret")

    surroundings(**{name: fail})
    answer = portal.get("/health")

    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "degraded", "version": __version__, "checks": {**ALL_WELL, name: CHECKS[name].unknown}},
    )
    assert b"secret" not in answer.content


@pytest.mark.alone
def test_a_check_that_hangs_is_not_waited_for_and_not_asked_again_beside_itself(
    portal: Client, surroundings: Callable[..., None]
) -> None:
    may_go_on, asked = threading.Event(), []
    surroundings(
        database=lambda: (asked.append("database"), may_go_on.wait(), "up")[2],
        redis=lambda: (asked.append("redis"), may_go_on.wait(), "up")[2],
    )
    for _ in range(2):
        health.health_report()._made_at = float("-inf")
        began_at = time.monotonic()
        answer = portal.get("/health").json()
        assert time.monotonic() - began_at < 1.0
        checks = {**ALL_WELL, "database": "down", "redis": "down"}
        assert answer == {"status": "degraded", "version": __version__, "checks": checks}
    assert sorted(asked) == ["database", "redis"]

    may_go_on.set()
    health.health_report()._made_at = float("-inf")
    wait_until(lambda: all(run.is_done.is_set() for run in health.health_report()._runs.values()))
    assert portal.get("/health").json() == {"status": "healthy", "version": __version__, "checks": ALL_WELL}


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
@pytest.mark.parametrize("host", ["10.42.8.201:4000", "[fd00::8]:4000", ""])
def test_a_probe_is_answered_whatever_host_it_names(portal: Client, path: str, host: str) -> None:
    assert portal.get(path, headers={"Host": host}).status_code == 200
    assert portal.get("/api-docs", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_a_probe_without_a_host_is_answered(portal: Client, path: str) -> None:
    assert portal.get(path, HTTP_HOST="", SERVER_NAME="0.0.0.0", SERVER_PROTOCOL="HTTP/1.0").status_code == 200


def test_a_flood_looks_once_a_second() -> None:
    now, asked = 1000.0, []
    report = HealthReport({"redis": Check(look=lambda: (asked.append(1), "up")[1])}, clock=lambda: now)
    for _ in range(100):
        report.report()
    now += 0.9
    report.report()
    assert len(asked) == 1
    now += 0.2
    report.report()
    assert len(asked) == 2


def test_while_a_report_is_made_others_see_the_last_one_and_wait_for_nothing() -> None:
    now, states = 1000.0, iter(("up", "down"))
    is_looking, may_go_on = threading.Event(), threading.Event()
    may_go_on.set()

    def look() -> str:
        is_looking.set()
        may_go_on.wait()
        return next(states)

    report = HealthReport({"redis": Check(look=look)}, clock=lambda: now)
    assert report.report().shown == {"redis": "up"}
    now += 2
    may_go_on.clear()
    is_looking.clear()
    with ThreadPoolExecutor(1) as pool:
        maker = pool.submit(report.report)
        is_looking.wait()
        assert [report.report().shown for _ in range(10)] == [{"redis": "up"}] * 10
        may_go_on.set()
        assert maker.result().shown == {"redis": "down"}


def test_those_who_come_while_the_first_report_is_made_share_it() -> None:
    asked: list[int] = []
    is_looking, may_go_on = threading.Event(), threading.Event()

    def look() -> str:
        asked.append(1)
        is_looking.set()
        may_go_on.wait()
        return "up"

    report = HealthReport({"redis": Check(look=look)})
    with ThreadPoolExecutor(8) as pool:
        several = [pool.submit(report.report) for _ in range(8)]
        is_looking.wait()
        may_go_on.set()
        assert [each.result().shown for each in several] == [{"redis": "up"}] * 8
    assert asked == [1]


def test_ready_is_local(portal: Client, surroundings: Callable[..., None]) -> None:
    def touch() -> str:
        raise AssertionError("touched")

    surroundings(**dict.fromkeys(CHECKS, touch))
    answer = portal.get("/health/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
