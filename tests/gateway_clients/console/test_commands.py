"""The console from the shell: the same levers, the same log, answers as JSON."""

import json
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from pytest_django import Settings

from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_sync import breaker_sync
from members.models import Account
from tests.gateway_clients.console import scene
from tests.gateway_clients.console.conftest import PASSWORD, helper_with
from tests.support.gateway import ROOT, migrated_database
from tests.support.processes import clean_environment

BOSS, SECOND = "boss@example.com", "second@example.com"


def run(*words: Any) -> str:
    output = StringIO()
    call_command(*words, stdout=output)
    return output.getvalue()


@pytest.fixture(autouse=True)
def _two_of_staff(boss: Account) -> None:
    Account.objects.create_superuser(SECOND, PASSWORD)


def test_breakers_are_shown_over_all_processes() -> None:
    scene.play_all()
    shown = json.loads(run("breakers", "--json"))
    payment = next(row for row in shown["breakers"] if row["upstream"] == "payment")
    assert (payment["state"], payment["processes"], payment["impact"][:7]) == ("open", 4, "2 views")
    assert "payment      open" in run("breakers")


def test_lines_of_the_log_stand_beside_the_answer_and_not_in_it() -> None:
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{migrated_database()}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "breakers", "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert json.loads(done.stdout)["is_redis_down"] is True
    assert json.loads(done.stderr.splitlines()[0])["event"] == "cache.down"


def test_a_breaker_is_steered_by_somebody_for_a_reason(boss: Account) -> None:
    run("breakers", "open", "claims", "--minutes", 5, "--reason", "maintenance", "--ticket", "OPS-1", "--by", BOSS)

    order = breaker_sync().orders()["claims"]
    assert (order.override, order.ticket, order.ordered_by) == (Override.FORCED_OPEN, "OPS-1", str(boss.pk))
    assert LogEntry.objects.get().change_message == "Open (OPS-1) for 5 minutes: maintenance"
    run("breakers", "normal", "claims", "--reason", "done", "--by", BOSS)
    assert breaker_sync().orders() == {}


@pytest.mark.parametrize(
    "words",
    [
        ("open", "claims", "--by", BOSS),
        ("open", "claims", "--reason", "x"),
        ("open", "claims", "--reason", "x", "--by", "helper@example.com"),
        ("open", "nobody", "--reason", "x", "--by", BOSS),
        ("open", "claims", "--reason", "x", "--by", BOSS, "--minutes", 0),
        ("agree", "1", "--by", BOSS),
    ],
)
def test_without_who_why_or_how_long_nothing_is_steered(words: tuple[Any, ...]) -> None:
    helper_with("view_breaker")
    with pytest.raises(CommandError):
        run("breakers", *words)
    assert breaker_sync().orders() == {}
    assert not LogEntry.objects.exists()


def test_with_four_eyes_two_agree(settings: Settings) -> None:
    settings.CONSOLE_FOUR_EYES = True
    proposed = json.loads(run("breakers", "close", "claims", "--reason", "x", "--by", BOSS, "--json"))
    number = str(proposed["proposal"])
    with pytest.raises(CommandError, match="Somebody else"):
        run("breakers", "agree", number, "--by", BOSS)
    assert breaker_sync().orders() == {}
    run("breakers", "agree", number, "--by", SECOND)
    assert breaker_sync().orders()["claims"].override is Override.FORCED_CLOSED


def test_a_request_is_explained() -> None:
    scene.play_requests()
    told = json.loads(run("explain", scene.PARTIAL.request_id, "--json"))
    assert (told["kind"], told["calls"][5]["state"]) == ("partial", "circuit_open")
    text = run("explain", scene.PARTIAL.request_id)
    assert "GET /dashboard/{member_id}: 200 after 186.4 ms of 3000 ms, partial circuit_open" in text
    assert "118.0 ms  tried again: upstream_unavailable" in text
    assert "dashboard.payments: unavailable circuit_open" in text
    assert scene.SHED.request_id in run("explain", "--kind", "shed")
    with pytest.raises(CommandError, match="Nothing is kept"):
        run("explain", "a" * 32)


@pytest.mark.usefixtures("redis_down")
def test_without_redis_a_request_cannot_be_explained() -> None:
    for words in (("explain",), ("explain", "a" * 32)):
        with pytest.raises(CommandError, match="Redis does not answer"):
            run(*words)
