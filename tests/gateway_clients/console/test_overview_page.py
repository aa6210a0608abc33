"""The overview: what is wrong, since when, whom it hurts; sums of all processes; the page opens whatever is down."""

import time
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection
from django.test import Client

from gateway_clients.caching.store import default_cache
from gateway_clients.console import surroundings
from gateway_clients.fleet.counters import hear
from gateway_clients.fleet.pulse import Pulse, pulse
from gateway_clients.instrumentation.hooks import CallRecord
from gateway_clients.instrumentation.tally import tally
from gateway_clients.models import BreakerOverride, OutboxMessage
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.breaker_sync import breaker_sync
from members.models import Account
from tests.gateway_clients.console import scene
from tests.gateway_clients.console.conftest import helper_with
from tests.gateway_clients.console.reading import text_of

PAGE = "/admin/console/overview/"
ORDER = {"minutes": "15", "reason": "maintenance", "ticket": ""}


def call(outcome: str = "ok") -> CallRecord:
    return CallRecord(service="claims", operation="listClaims", outcome=outcome, seconds=0.02, state="asked")


def overview(client: Client) -> Any:
    return client.get(PAGE).context["overview"]


def test_staff_land_on_it(staff: Client) -> None:
    text = text_of(staff.get("/admin/"))
    assert "Gateway All is well. " in text
    assert "What happened" in text
    assert "Breakers" in text


@pytest.mark.django_db
def test_who_may_not_see_it_lands_on_the_index_without_it(client: Client) -> None:
    client.force_login(helper_with("view_breaker"))
    assert "All is well" not in text_of(client.get("/admin/"))
    assert client.get(PAGE).status_code == 403


def test_numbers_are_sums_of_two_gateways(staff: Client) -> None:
    prefix = pulse().counters._prefix.removesuffix(":fleet:counts")
    other = Pulse(default_cache().circuit, prefix=prefix)
    for process, calls, answers in ((pulse(), 3, 2), (other, 5, 4)):
        for _ in range(calls):
            hear(call())
        tally().add(f"view|{scene.CLAIMS}|whole", answers)
        tally().add(f"uses|{scene.CLAIMS}|claims", answers)
        process.beat()

    found = overview(staff)
    claims = next(line for line in found["lines"] if line.name == "claims")
    assert claims.calls == 8
    assert claims.places == 2 * pulse().circuit.run(pulse().processes.living)[0].places["claims"].limit
    (view,) = found["views"]
    assert (view.route, view.answers, view.services) == ("/claims", 6, ["claims"])
    assert {line.status.process for line in found["processes"]} == {pulse().process, other.process}


def test_an_open_breaker_is_told_with_since_when_and_whom_it_hurts(staff: Client) -> None:
    scene.play_traffic()
    scene.play_troubles()
    text = text_of(staff.get(PAGE))

    assert "payment fails: its breaker is open since " in text
    assert "Hurts /dashboard/{member_id}: 480 of 1832 answers (26 %)" in text
    assert "The breaker of payment opened" in text
    assert "requests were shed in the last five minutes" in text
    assert "claims: 3 fields are not as the contract says" in text
    assert "All is well" not in text


def test_what_staff_did_stands_in_the_timeline_with_their_reason(staff: Client, boss: Account) -> None:
    LogEntry.objects.create(user=boss, object_repr="claims", action_flag=CHANGE, change_message="elsewhere")
    staff.post("/admin/console/cacheentry/drop/", {"pattern": "claims:*", "reason": "imported wrongly"})
    events = overview(staff)["events"]
    assert [(event.text, event.who) for event in events] == [("claims:*: Dropped: imported wrongly", str(boss))]


def test_the_end_of_an_override_stands_in_the_timeline_by_itself_and_by_staff(staff: Client, boss: Account) -> None:
    pulse().listen()
    upstream("claims")
    for service in ("claims", "policy"):
        staff.post(f"/admin/console/breaker/{service}/change/", {**ORDER, "action": "forced_open"})
    breaker_sync().read_rulings()
    staff.post("/admin/console/breaker/policy/change/", {**ORDER, "action": "reset", "reason": "mended"})
    BreakerOverride.objects.filter(service="claims").update(until="2026-01-01T00:00:00Z")
    breaker_sync().read_rulings()
    pulse().beat()

    ends = [(event.text, event.who) for event in overview(staff)["events"]][:2]
    assert ends == [
        ("The override of claims (forced_open) ended by itself", ""),
        ("policy: Back to normal: mended", str(boss)),
    ]


def test_parked_messages_and_a_late_outbox_are_told(staff: Client) -> None:
    OutboxMessage.objects.create(kind="notification.send", parked_at="2026-01-01T00:00:00Z")
    OutboxMessage.objects.create(kind="notification.send", due_at="2026-01-01T00:00:00Z")
    text = text_of(staff.get(PAGE))
    assert "1 parked message waits for a decision since 00:00:00 UTC" in text
    assert "The outbox is late" in text


def test_with_redis_down_it_says_so_and_shows_this_process(staff: Client, redis_down: None) -> None:
    answer = staff.get(PAGE)
    text = text_of(answer)
    assert "Redis is down" in text
    assert "Numbers are of this process alone" in text
    assert len(answer.context["overview"]["processes"]) == 1


def test_with_a_slow_database_it_says_so_and_asks_it_little(
    staff: Client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(surroundings, "SLOW_DATABASE_SECONDS", 0.0)
    with django_assert_max_num_queries(4):
        text = text_of(staff.get(PAGE))
    assert "The database is slow: it takes " in text


def test_a_hundred_lines_cost_no_more_than_a_moment(staff: Client) -> None:
    scene.play_all()
    began_at = time.monotonic()
    staff.get(PAGE)
    assert time.monotonic() - began_at < 2
    assert connection.vendor


def test_the_log_of_staff_can_be_read_and_not_changed(staff: Client, boss: Account) -> None:
    staff.post("/admin/console/cacheentry/drop/", {"pattern": "claims:*", "reason": "imported wrongly"})
    text = text_of(staff.get("/admin/admin/logentry/"))
    assert "cache entry claims:* Dropped: imported wrongly" in text
    entry = LogEntry.objects.get()
    assert staff.post(f"/admin/admin/logentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert LogEntry.objects.count() == 1


def test_drift_is_shown_with_its_shape_and_what_portals_saw(staff: Client) -> None:
    scene.play_traffic()
    scene.play_troubles()
    text = text_of(staff.get("/admin/console/contractdrift/"))
    assert "claims listClaims items[].total_amount quarantined" in text
    assert "a text of 7 letters 31 of /dashboard/{member_id} 12 of /claims" in text
    pulse().drift.hear(call())
    pulse().beat()
    assert "reads right since" in text_of(staff.get("/admin/console/contractdrift/"))


def test_how_a_field_drifted_before_is_shown_with_its_end_and_what_portals_saw(staff: Client) -> None:
    scene.play_earlier_drift()
    text = text_of(staff.get("/admin/console/contractdrift/"))
    assert "claims listClaims items[].total_amount reads right since " in text
    assert (
        "37 of /dashboard/{member_id} 18 of /claims claims items[].total_amount earlier, for 1 hour, 30 minutes" in text
    )
    assert "412 of /dashboard/{member_id} 206 of /claims" in text
