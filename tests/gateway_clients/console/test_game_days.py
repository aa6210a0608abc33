"""Game days: started and ended from the page, in every process, with a report; refused in production."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import Settings

from gateway_clients.console.models import GameDay
from gateway_clients.fleet.counters import hear
from gateway_clients.fleet.pulse import pulse
from gateway_clients.instrumentation.hooks import CallRecord
from gateway_clients.instrumentation.tally import tally
from gateway_clients.models import AuditEntry
from gateway_clients.resilience.faults import FAULTS
from members.models import Account
from tests.gateway_clients.console.conftest import PASSWORD
from tests.gateway_clients.console.reading import text_of

PAGE, START = "/admin/console/gameday/", "/admin/console/gameday/start/"
WISH = {
    "service": "claims",
    "kind": "error",
    "percent": "100",
    "delay_ms": "0",
    "minutes": "5",
    "reason": "do portals show partial dashboards",
}


@pytest.fixture(autouse=True)
def _allowed(settings: Settings) -> None:
    settings.GAME_DAYS, settings.ENVIRONMENT = True, "staging"
    yield
    FAULTS.replace({})


def count(outcome: str, answers: int) -> None:
    tally().add_all({f"view|/claims|{outcome}": answers, "uses|/claims|claims": answers})


def test_one_goes_from_its_start_to_its_report(staff: Client, boss: Account) -> None:
    count("whole", 4)
    pulse().beat()
    staff.post(START, WISH)
    pulse().beat()
    fault = FAULTS.hit("claims")
    assert fault is not None
    assert (fault.kind, fault.percent) == ("error", 100)

    count("partial", 3)
    hear(CallRecord(service="claims", operation="x", outcome="upstream_unavailable", seconds=0.1, state="asked"))
    pulse().beat()
    text = text_of(staff.get(PAGE))
    assert "claims: Errors: calls are answered 503 on" in text
    assert "1 calls, 1 of them failed" in text
    assert "/claims 4 3 0 0 57.1 % 100.0 %" in text

    staff.post(f"{PAGE}{GameDay.objects.get().pk}/end/")
    pulse().beat()
    assert FAULTS.hit("claims") is None
    assert "over" in text_of(staff.get(PAGE))
    assert GameDay.objects.get().report["views"]["/claims"]["partial"] == 3
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
        "Started, 100 % of the calls: do portals show partial dashboards",
        "Ended",
    ]
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "account_id", "sections")) == [
        ("gameday.start", str(boss.pk), "claims"),
        ("gameday.end", str(boss.pk), "claims"),
    ]


def test_one_ends_by_itself(staff: Client) -> None:
    staff.post(START, WISH)
    pulse().beat()
    GameDay.objects.update(ends_at="2026-01-01T00:00:00Z")
    assert "over" in text_of(staff.get(PAGE))


def test_an_end_of_one_that_is_over_leaves_the_next_one_running(staff: Client) -> None:
    staff.post(START, WISH)
    first = GameDay.objects.get()
    staff.post(f"{PAGE}{first.pk}/end/")
    staff.post(START, WISH)
    assert "this one was over already" in text_of(staff.post(f"{PAGE}{first.pk}/end/", follow=True))

    pulse().beat()
    assert FAULTS.hit("claims") is not None
    assert GameDay.objects.exclude(pk=first.pk).get().ended_by == ""
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "gameday.start",
        "gameday.end",
        "gameday.start",
    ]


@pytest.mark.parametrize(("is_on", "environment"), [(True, "production"), (False, "staging"), (False, "development")])
def test_it_is_refused_elsewhere(staff: Client, settings: Settings, is_on: bool, environment: str) -> None:
    settings.GAME_DAYS, settings.ENVIRONMENT = is_on, environment
    assert "There are no game days here" in text_of(staff.get(PAGE))
    assert staff.get(START).status_code == 403
    assert staff.post(START, WISH).status_code == 403
    assert not GameDay.objects.exists()
    assert not LogEntry.objects.exists()


def test_who_only_sees_starts_and_ends_none(staff: Client) -> None:
    staff.post(START, WISH)
    viewer = Account.objects.create_user("viewer@example.com", PASSWORD, is_staff=True)
    viewer.groups.add(Group.objects.get(name="Gateway: see"))
    client = Client()
    client.force_login(viewer)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "Start a game day" not in text_of(page)
    assert client.post(START, WISH).status_code == 403
    assert client.post(f"{PAGE}{GameDay.objects.get().pk}/end/").status_code == 403
    assert GameDay.objects.get().ended_by == ""


def test_one_upstream_has_one_at_a_time(staff: Client) -> None:
    staff.post(START, WISH)
    assert "There is one for claims already" in text_of(staff.post(START, WISH))
    assert GameDay.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"minutes": "600"}, {"percent": "101"}, {"service": "nobody"}])
def test_without_a_reason_or_within_no_bounds_none_begins(staff: Client, wrong: dict[str, str]) -> None:
    assert b"errorlist" in staff.post(START, {**WISH, **wrong}).content
    assert not GameDay.objects.exists()


def test_without_redis_none_is_said_to_have_ended(staff: Client, request: pytest.FixtureRequest) -> None:
    staff.post(START, WISH)
    request.getfixturevalue("redis_down")
    page = staff.post(f"{PAGE}{GameDay.objects.get().pk}/end/", follow=True)

    assert "Without it the faults end by themselves" in text_of(page)
    assert GameDay.objects.get().ended_by == ""
    assert [entry.change_message for entry in LogEntry.objects.all()] == [
        "Started, 100 % of the calls: do portals show partial dashboards"
    ]


def test_without_redis_none_begins(staff: Client, redis_down: None) -> None:
    assert "nothing was started" in text_of(staff.post(START, WISH))
    assert not GameDay.objects.exists()
    assert not LogEntry.objects.exists()
