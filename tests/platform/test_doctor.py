"""`manage.py doctor` tells what is wrong with the surroundings, before a deployment meets it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from bff_project.doctor.broker_examination import examine_broker
from bff_project.doctor.database_examination import Fleet, examine_database
from bff_project.doctor.finding import Finding, Level, clock_finding
from bff_project.doctor.upstream_examination import examine_upstreams, seconds_ahead
from bff_project.processes.ports import free_port
from gateway_clients.conf import SERVICES
from gateway_clients.gateway import Gateway
from sandbox.testing import Sandbox
from tests.support.gateway import ROOT, migrated_database
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Every service, which this process calls."""
    with Sandbox() as running, override_settings(**running.urls):
        yield running


def of(found: list[Finding], area: str) -> list[Finding]:
    return [finding for finding in found if finding.area == area]


def levels(found: list[Finding]) -> list[Level]:
    return [finding.level for finding in found]


def doctor(*arguments: str, **settings: str) -> tuple[int, list[dict[str, Any]], str]:
    """Its exit code, its findings, and what it said besides."""
    environment = {**clean_environment(), "ENVIRONMENT": "development", **settings}
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_well_surroundings_are_found_well(sandbox: Sandbox, redis_server: RedisServer) -> None:
    database = f"sqlite:///{migrated_database()}"
    code, findings, _ = doctor("--gateways", "1", REDIS_URL=redis_server.url, DATABASE_URL=database, **sandbox.urls)

    assert (code, [each for each in findings if each["level"] == "wrong"]) == (0, [])
    assert {each["area"] for each in findings} == {"settings", "redis", "database", "broker", *SERVICES}
    assert {each["text"].partition(" ")[2] for each in findings if each["area"] in SERVICES} >= {
        "is as the contract says"
    }


@pytest.mark.long
def test_all_that_is_down_is_named_and_the_exit_code_is_one(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    urls = {f"{name.upper()}_SERVICE_URL": nobody for name in SERVICES}
    code, findings, said = doctor(
        REDIS_URL=f"redis://127.0.0.1:{free_port()}/0", DATABASE_URL=f"sqlite:///{tmp_path / 'new.sqlite3'}", **urls
    )

    wrong = {each["area"] for each in findings if each["level"] == "wrong"}
    assert (code, wrong) == (1, {"redis", "database", *SERVICES})
    assert all(each["advice"] for each in findings if each["level"] == "wrong")
    assert {frozenset(each) for each in findings} == {frozenset({"area", "level", "text", "advice"})}
    assert "Traceback" not in said


@pytest.mark.django_db
def test_a_field_that_breaks_the_contract_is_named_and_an_answer_that_fails_is_wrong(sandbox: Sandbox) -> None:
    sandbox.fault("benefit", "garbage")
    sandbox.fault("policy", "error", rate=1)
    found = list(examine_upstreams("m-1"))

    assert [each.text for each in of(found, "benefit") if each.level == Level.WRONG] == [
        "listMemberBenefits fails: upstream_bad_answer"
    ]
    assert [each.text for each in of(found, "policy") if each.level == Level.WRONG] == [
        "its health is 500",
        "getCoverage fails: upstream_unavailable",
    ]
    assert set(levels(of(found, "claims"))) == {Level.OK}


@pytest.mark.django_db
def test_upstreams_are_asked_by_no_proxy_that_the_gateway_does_not_use(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert set(levels(of(list(examine_upstreams("m-1")), "claims"))) == {Level.OK}


@pytest.mark.parametrize("name", SERVICES)
def test_every_upstream_has_a_sample_that_is_a_read(name: str) -> None:
    call = getattr(Gateway, name).sample("m-1")

    assert (call.service, call.method, call.is_repeatable) == (name, "GET", True)


@pytest.mark.parametrize(
    ("ahead", "level"),
    [
        (0.4, Level.OK),
        (-1.9, Level.OK),
        (3, Level.WARNING),
        (-19, Level.WARNING),
        (21, Level.WRONG),
        (-400, Level.WRONG),
    ],
)
def test_a_clock_that_is_off_is_told_of(ahead: float, level: Level) -> None:
    assert clock_finding("redis", ahead).level == level


@pytest.mark.parametrize(
    ("now", "ahead"),
    [(1_700_000_000.0, 0.0), (1_700_000_000.9, 0.0), (1_700_000_090.0, -89.0), (1_699_999_910.0, 90.0)],
)
def test_an_upstreams_clock_is_read_from_its_answers(now: float, ahead: float) -> None:
    assert seconds_ahead("Tue, 14 Nov 2023 22:13:20 GMT", now) == ahead
    assert seconds_ahead("yesterday", now) is None


@pytest.mark.django_db
def test_missing_migrations_and_sqlite_for_several_gateways_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels(list(examine_database(Fleet(gateways=2, workers=1)))) == [Level.WRONG, Level.OK, Level.OK]
    assert levels(list(examine_database(Fleet(gateways=1, workers=1)))) == [Level.WARNING, Level.OK, Level.OK]


@override_settings(CELERY_BROKER_URL="amqp://127.0.0.1:1//")
def test_a_broker_that_does_not_answer_is_a_warning() -> None:
    (found,) = examine_broker()
    assert (found.level, found.text) == (Level.WARNING, "it cannot be used: ConnectionRefusedError")
