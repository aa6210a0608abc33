"""What follows from a write: told at least once, under one key each, and a bad one does not stop the others."""

import datetime

import pytest

from gateway_clients.invalidation.now_and_later import KIND as DROP
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox import dispatcher, leases
from members.models import Account
from tests.support.waiting import wait_until
from tests.writes.portal import submit

pytestmark = pytest.mark.django_db
KIND = "notification.send"


def waiting() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind=KIND).order_by("pk"))


def test_whoever_submitted_a_claim_is_told_by_email_and_push(portal, written, later) -> None:
    client = portal()
    claim = submit(client, key="k-1").json()
    assert written("notification") == []
    (message,) = waiting()

    later()

    (entry,) = written("notification")
    assert entry.body == {
        "type": "claim_submitted",
        "claim_id": claim["id"],
        "user_id": client.account_id,
        "channel": ["email", "push"],
    }
    assert entry.idempotency_key == message.key
    assert waiting() == []


def test_a_new_password_is_told_to_its_account_under_a_key_of_its_own(portal, written, later) -> None:
    client = portal()
    Account.objects.get(pk=client.account_id).replace_password("another-good-password")
    (message,) = waiting()

    later()

    (entry,) = written("notification")
    assert entry.body == {"type": "password_changed", "user_id": client.account_id, "channel": ["email", "push"]}
    assert entry.idempotency_key == message.key


def test_a_refused_claim_is_told_to_nobody(portal, sandbox, written, later) -> None:
    sandbox.fault("claims", "status", status=422)
    submit(portal(), key="k-1")

    assert later() == 0
    assert written("notification") == []


@pytest.mark.parametrize("kind", ["down", "error", "hang", "lost"])
def test_while_the_service_is_down_they_wait_and_then_each_is_told_once(
    portal, sandbox, written, later, settings, kind
) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_MIN_CALLS = 10_000
    settings.NOTIFICATION_UPSTREAM_TIMEOUT_SECONDS = 0.1
    client = portal()
    for number in range(3):
        submit(client, key=f"k-{number}")
    keys = [message.key for message in waiting()]
    sandbox.fault("notification", kind, operation="sendNotification")
    for seconds in (0, 2, 5, 10):
        later(seconds)
    assert [(message.key, message.parked_at, message.refusals) for message in waiting()] == [
        (key, None, 0) for key in keys
    ]
    assert {message.attempts for message in waiting()} == {4}

    sandbox.clear()
    settings.NOTIFICATION_UPSTREAM_TIMEOUT_SECONDS = 2.0
    later(100)

    assert sorted(entry.idempotency_key for entry in written("notification")) == sorted(keys)
    assert waiting() == []


def test_the_first_retry_comes_within_seconds_and_later_ones_a_minute_apart_at_most() -> None:
    latest = [dispatcher.pause(attempt, chance=lambda: 0.0) for attempt in range(1, 12)]
    soonest = [dispatcher.pause(attempt, chance=lambda: 1.0) for attempt in range(1, 12)]

    assert latest == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert soonest == [seconds / 2 for seconds in latest]
    assert dispatcher.pause(10**9) <= 60


def test_a_poisoned_one_is_parked_after_its_tries_and_the_others_move(
    portal, sandbox, written, later, settings, admin_client
) -> None:
    client = portal()
    submit(client, key="k-1")
    sandbox.fault("notification", "status", operation="sendNotification", status=422)
    for day in range(5):
        later(day * 86_400)
    (poisoned,) = waiting()
    assert (poisoned.refusals, poisoned.parked_at is not None) == (5, True)
    assert "refuses it with 422" in poisoned.trouble
    sandbox.reset()

    later(10 * 86_400)
    assert sandbox.calls("notification").total == 0
    sandbox.clear()
    submit(client, key="k-2")
    later()
    assert len(written("notification")) == 1
    assert waiting() == [poisoned]

    page = admin_client.get("/admin/gateway_clients/outboxmessage/?parked=yes").content.decode()
    assert "refuses it with 422" in page
    admin_client.post(
        "/admin/gateway_clients/outboxmessage/",
        {"action": "replay", "_selected_action": [poisoned.pk], "reason": "mended"},
    )
    later(1)
    assert [entry.idempotency_key for entry in written("notification")][1:] == [poisoned.key]
    assert waiting() == []


def test_one_that_cannot_be_read_is_parked_at_once(sandbox, later) -> None:
    OutboxMessage.objects.create(kind=KIND, payload={"type": "claim_submitted"})
    OutboxMessage.objects.create(kind="of.nobody")
    OutboxMessage.objects.create(kind=DROP, payload={})

    later(1)

    assert OutboxMessage.objects.filter(parked_at=None).count() == 0
    assert sandbox.calls("notification").total == 0


def test_a_worker_that_died_between_telling_and_recording_tells_again_with_the_same_key(
    portal, sandbox, written, later, monkeypatch
) -> None:
    submit(portal(), key="k-1")
    (message,) = waiting()
    with monkeypatch.context() as patch:
        patch.setattr(leases, "done", lambda _message: True)
        later()
    assert later() == 0

    later(60)

    (entry,) = written("notification")
    assert (entry.idempotency_key, entry.repeats) == (message.key, 1)
    assert waiting() == []


def test_a_message_is_given_to_one_worker_and_a_lost_lease_says_nothing_any_more(db) -> None:
    OutboxMessage.objects.create(kind=KIND)
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)

    (first,) = leases.lease(limit=10, now=now)
    assert leases.lease(limit=10, now=now) == []
    (second,) = leases.lease(limit=10, now=now + leases.lease_time())

    assert second.key == first.key
    assert leases.done(first) is False
    leases.park(first, now=now, trouble="late")
    leases.postpone(first, due_at=now, trouble="late")
    assert OutboxMessage.objects.get().trouble == ""
    assert leases.done(second) is True


def test_a_stale_copy_of_a_message_is_not_leased(db, monkeypatch) -> None:
    """As on SQLite, where two workers may have read the same row before either took it."""
    OutboxMessage.objects.create(kind=KIND)
    stale = OutboxMessage.objects.get()
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
    leases.lease(limit=1, now=now)

    assert leases._is_taken(stale, now) is False


def test_a_handler_that_fails_unforeseen_is_tried_again_and_parked_without_its_words(db, later, settings) -> None:
    settings.OUTBOX_HANDLERS = {KIND: "tests.writes.broken_handler.fail"}
    OutboxMessage.objects.create(kind=KIND)
    for day in range(5):
        later(1 + day * 86_400)

    message = OutboxMessage.objects.get()
    assert message.parked_at is not None
    assert message.trouble == "The handler failed: ZeroDivisionError; see the worker's log."


def test_cached_views_are_dropped_again_by_the_worker_and_wait_for_redis(portal, later, monkeypatch) -> None:
    from gateway_clients.caching.store import default_cache

    client = portal()
    submit(client, key="k-1")
    message = OutboxMessage.objects.get(kind=DROP)
    assert sorted(message.payload["tags"])[1:] == ["member:m-1", "provider:prov-1", "summary"]
    with monkeypatch.context() as patch:
        patch.setattr(type(default_cache().circuit), "is_down", True, raising=False)
        patch.setattr(default_cache().circuit, "_is_down", True)
        for seconds in range(0, 40, 2):
            later(seconds)
        message.refresh_from_db()
        assert (message.parked_at, message.trouble) == (None, "Redis does not answer.")
        assert message.attempts == 20

    wait_until(lambda: later(100) and not OutboxMessage.objects.exists())
