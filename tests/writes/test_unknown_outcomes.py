"""What was sent and not answered: 202 at once, and found out in the background, under the same key."""

from itertools import pairwise

import pytest

from claims.jobs import RESUME_AFTER, resume_settling
from claims.models import State, Submission
from claims.submissions.verdict import Verdict, verdict_of
from gateway_clients.errors import (
    DeadlineExceededError,
    GatewayOverloadedError,
    UpstreamBusyError,
    UpstreamCircuitOpenError,
    UpstreamConflictError,
    UpstreamConnectionError,
    UpstreamContractError,
    UpstreamNotFoundError,
    UpstreamRejectedError,
    UpstreamServerError,
    UpstreamTimeoutError,
)
from gateway_clients.invalidation import now_and_later
from gateway_clients.models import OutboxMessage
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience import breaker
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim, post, submit
from tests.writes.test_submitting import calls

pytestmark = pytest.mark.django_db

#: How the claims service fails → whether it has carried it out.
FAULTS = {
    "down": False,
    "reset": False,
    "hang": False,
    "hang_head": False,
    "error": False,
    "status": False,
    "lost": True,
    "error_after": True,
    "mute": True,
    "hang_body": True,
    "truncate": True,
    "bad_chunks": True,
    "not_http": True,
    "garbage": True,
    "empty": True,
    "not_json": True,
    "redirect": True,
    "foreign": True,
}


#: Those that make the gateway wait for as long as it will.
SLOW = {"hang", "hang_head", "mute", "hang_body"}


def status_of(client, submission_id):
    return client.get(f"/api/v1/claims/submissions/{submission_id}")


@pytest.mark.parametrize("kind", FAULTS)
def test_whatever_became_of_it_is_found_out_with_the_same_key(portal, sandbox, written, later, settings, kind) -> None:
    client = portal()
    settings.CLAIMS_UPSTREAM_TIMEOUT_SECONDS = 0.5 if kind in SLOW else 2.0
    sandbox.fault("claims", kind, operation="submitClaim")

    answer = submit(client, key="k-1")

    pending = answer.json()
    assert answer.status_code == 202, answer.content
    assert list(pending) == ["submission_id", "status"]
    assert pending["status"] == "pending"
    assert answer.headers["Location"] == f"/api/v1/claims/submissions/{pending['submission_id']}"
    assert len(written()) == FAULTS[kind]
    again = submit(client, key="k-1")
    assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (202, pending, "true")
    shown = status_of(client, pending["submission_id"]).json()
    assert shown == {**pending, "claim": None, "error": None}
    assert calls(sandbox)["claims"] == 1

    sandbox.clear()
    settings.CLAIMS_UPSTREAM_TIMEOUT_SECONDS = 2.0
    later(1.5)

    (entry,) = written()
    shown = status_of(client, pending["submission_id"]).json()
    assert (shown["status"], shown["claim"]["id"], shown["error"]) == ("submitted", entry.id, None)
    again = submit(client, key="k-1")
    assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (201, shown["claim"], "true")
    wait_until(lambda: later(5) == 0 and not OutboxMessage.objects.exists())
    assert [each.body["claim_id"] for each in written("notification")] == [entry.id]


def test_without_a_key_it_is_found_out_all_the_same(portal, sandbox, written, later) -> None:
    client = portal()
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    pending = submit(client).json()

    later(1.5)

    assert status_of(client, pending["submission_id"]).json()["claim"]["id"] == written()[0].id


def test_a_timeout_of_a_proxy_is_an_unknown_outcome(portal, sandbox) -> None:
    sandbox.fault("claims", "status", status=408)

    assert submit(portal(), key="k-1").status_code == 202


def test_timeouts_of_a_proxy_do_not_end_the_search_for_an_outcome(portal, sandbox, later) -> None:
    client = portal()
    sandbox.fault("claims", "lost", operation="submitClaim")
    pending = submit(client, key="k-1").json()
    sandbox.fault("claims", "status", operation="submitClaim", status=408)
    for day in range(1, 20):
        later(day * 86_400)

    message = OutboxMessage.objects.get()
    assert (message.parked_at, message.attempts) == (None, 19)
    assert "no answer" in message.trouble
    sandbox.clear()
    later(20 * 86_400)
    assert status_of(client, pending["submission_id"]).json()["status"] == "submitted"


def test_one_that_turns_out_to_be_refused_says_so_from_then_on(portal, sandbox, written, later) -> None:
    client = portal()
    sandbox.fault("claims", "error", operation="submitClaim")
    pending = submit(client, key="k-1").json()
    sandbox.fault("claims", "status", operation="submitClaim", status=422)

    later(1.5)

    sandbox.clear()
    shown = status_of(client, pending["submission_id"]).json()
    assert (shown["status"], shown["claim"], shown["error"]["code"]) == ("refused", None, "upstream_refused")
    again = submit(client, key="k-1")
    assert (again.status_code, again.json()["code"]) == (422, "upstream_refused")
    assert written() == []
    assert not OutboxMessage.objects.exists()


def test_while_the_service_is_down_it_is_tried_on_a_minute_apart_at_most(
    portal, sandbox, written, later, settings
) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_MIN_CALLS = 10_000
    client = portal()
    sandbox.fault("claims", "error", operation="submitClaim")
    pending = submit(client, key="k-1").json()
    due = [OutboxMessage.objects.get().due_at]
    for _ in range(40):
        later((due[-1] - Submission.objects.get().created_at).total_seconds())
        due.append(OutboxMessage.objects.get().due_at)

    message = OutboxMessage.objects.get()
    pauses = [(after - before).total_seconds() for before, after in pairwise(due)]
    assert 60 <= max(pauses) < 65
    assert pauses[0] <= 2
    assert (message.parked_at, message.attempts) == (None, 40)
    assert "no answer" in message.trouble
    assert status_of(client, pending["submission_id"]).json()["status"] == "pending"
    sandbox.clear()
    later(100_000)
    assert status_of(client, pending["submission_id"]).json()["status"] == "submitted"
    assert len(written()) == 1


def test_while_the_breaker_is_open_the_oldest_probes_it_and_the_others_follow_its_success(
    portal, sandbox, written, later, settings, monkeypatch
) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_MIN_CALLS = 10_000
    client = portal()
    sandbox.fault("claims", "error", operation="submitClaim")
    pending = [submit(client, key=f"k-{number}").json()["submission_id"] for number in range(3)]
    upstream("claims").breaker.open()
    OutboxMessage.objects.update(attempts=20)
    started_at = Submission.objects.earliest("created_at").created_at
    waits = lambda: [(each.due_at - started_at).total_seconds() for each in OutboxMessage.objects.order_by("pk")]  # noqa: E731
    assert calls(sandbox)["claims"] == 3

    later(5)
    first, *others = waits()
    assert first < 5 + 3 + 1
    assert all(wait > 60 for wait in others)
    assert calls(sandbox)["claims"] == 3

    monkeypatch.setattr(breaker, "EARLY_PROBE_SECONDS", 0.0)
    later(9)
    assert calls(sandbox)["claims"] == 4
    assert waits()[0] < 9 + 3 + 1

    sandbox.clear()
    later(13)
    assert {status_of(client, each).json()["status"] for each in pending} == {"submitted"}
    assert len(written()) == 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 401}, "UPSTREAM_SERVICE_TOKEN"),
        ({"kind": "status", "status": 404}, "CLAIMS_SERVICE_URL"),
        ({"kind": "status", "status": 409}, "was used for another request"),
        ({"kind": "garbage"}, "cannot be read"),
    ],
)
def test_what_cannot_be_settled_is_parked_and_says_what_to_do(
    portal, sandbox, later, settings, admin_client, fault, words
) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_MIN_CALLS = 10_000
    client = portal()
    sandbox.fault("claims", "lost", operation="submitClaim")
    pending = submit(client, key="k-1").json()
    sandbox.fault("claims", operation="submitClaim", **fault)
    for day in range(1, 20):
        later(day * 86_400)

    message = OutboxMessage.objects.get()
    row = Submission.objects.get()
    assert message.parked_at is not None
    assert words in message.trouble
    assert status_of(client, pending["submission_id"]).json()["status"] == "pending"
    page = admin_client.get(f"/admin/claims/submission/{row.pk}/change/").content.decode()
    assert words in page
    assert "It waits for you" in page
    assert submit(client, key="k-1").status_code == 202

    sandbox.clear()
    replayed = admin_client.post(
        "/admin/gateway_clients/outboxmessage/",
        {"action": "replay", "_selected_action": [message.pk], "reason": "mended"},
        follow=True,
    )
    assert "1 parked messages are tried again" in replayed.content.decode()
    later(1.0)
    assert status_of(client, pending["submission_id"]).json()["status"] == "submitted"


def test_one_whose_key_was_taken_away_is_parked_until_it_is_back(portal, sandbox, later, settings) -> None:
    keys = ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",)
    settings.CACHE_ENCRYPTION_KEYS = keys
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    submit(portal(), key="k-1")
    settings.CACHE_ENCRYPTION_KEYS = ("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=",)

    later(1.5)

    assert "CACHE_ENCRYPTION_KEYS" in OutboxMessage.objects.get().trouble
    assert OutboxMessage.objects.get().parked_at is not None


def test_a_process_that_died_while_it_sent_is_settled_by_the_worker(portal, sandbox, written, later) -> None:
    client = portal()
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    pending = submit(client, key="k-1").json()
    row = Submission.objects.get()
    Submission.objects.update(state=State.SENDING)  # as if nobody had lived to say that it is not known

    assert status_of(client, pending["submission_id"]).json()["status"] == "pending"
    later(20)

    row.refresh_from_db()
    assert row.state == State.SUBMITTED
    assert len(written()) == 1


@pytest.mark.parametrize("who", ["member", "admin"])
def test_a_submission_is_shown_to_its_account_alone(portal, sandbox, who) -> None:
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    submission_id = submit(portal()).json()["submission_id"]

    answer = status_of(portal(who), submission_id)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("submission_id", ["x", "00000000-0000-4000-8000-000000000000", "m-1"])
def test_there_is_no_such_submission(portal, submission_id) -> None:
    assert status_of(portal(), submission_id).status_code == 404


def test_a_cancellation_that_was_lost_is_settled_too(portal, sandbox, written, later) -> None:
    client = portal()
    claim = submit(client, a_claim()).json()
    sandbox.fault("claims", "lost", operation="cancelClaim", times=1)

    answer = post(client, f"claims/m-1/{claim['id']}/cancel", {"reason": "twice"}, "k-2")

    assert answer.status_code == 202
    later(1.5)
    again = post(client, f"claims/m-1/{claim['id']}/cancel", {"reason": "twice"}, "k-2")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")
    assert [entry.operation for entry in written()] == ["submitClaim", "cancelClaim"]
    assert written()[1].repeats == 1


def test_one_whose_message_was_deleted_is_taken_up_again(portal, sandbox, later) -> None:
    client = portal()
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    pending = submit(client, key="k-1").json()
    resume_settling()
    assert OutboxMessage.objects.count() == 1
    OutboxMessage.objects.all().delete()
    Submission.objects.update(leased_until=Submission.objects.get().created_at - RESUME_AFTER)

    resume_settling()
    later(1)

    assert status_of(client, pending["submission_id"]).json()["status"] == "submitted"


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (GatewayOverloadedError(), Verdict.NOTHING_HAPPENED),
        (DeadlineExceededError("claims"), Verdict.NOTHING_HAPPENED),
        (UpstreamCircuitOpenError("claims"), Verdict.NOTHING_HAPPENED),
        (UpstreamBusyError("claims"), Verdict.NOTHING_HAPPENED),
        (UpstreamBusyError("claims", was_sent=True), Verdict.NOTHING_HAPPENED),
        (UpstreamConnectionError("claims"), Verdict.NOTHING_HAPPENED),
        (UpstreamTimeoutError("claims"), Verdict.NOTHING_HAPPENED),
        (UpstreamRejectedError("claims", upstream_status=401), Verdict.NOTHING_HAPPENED),
        (UpstreamNotFoundError("claims", upstream_status=404), Verdict.NOTHING_HAPPENED),
        (UpstreamRejectedError("claims", upstream_status=400), Verdict.REFUSED),
        (UpstreamRejectedError("claims", upstream_status=422), Verdict.REFUSED),
        (UpstreamConflictError("claims", upstream_status=409), Verdict.REFUSED),
        (UpstreamRejectedError("claims", upstream_status=408), Verdict.UNKNOWN),
        (UpstreamConnectionError("claims", was_sent=True), Verdict.UNKNOWN),
        (UpstreamTimeoutError("claims", was_sent=True), Verdict.UNKNOWN),
        (UpstreamServerError("claims", was_sent=True), Verdict.UNKNOWN),
        (UpstreamContractError("claims", was_sent=True), Verdict.UNKNOWN),
        (RuntimeError("the driver stopped"), Verdict.UNKNOWN),
    ],
    ids=repr,
)
def test_what_each_failure_says_of_whether_it_happened(error, verdict) -> None:
    assert verdict_of(error) is verdict


@pytest.mark.parametrize("fault", [None, "lost"], ids=["at once", "found out later"])
def test_nobody_is_told_of_a_claim_before_the_views_without_it_are_dropped(
    portal, sandbox, later, monkeypatch, fault
) -> None:
    """Whoever polls, or repeats the key, reads the list of claims next."""
    client = portal()
    if fault:
        sandbox.fault("claims", fault)
    told, drop = [], now_and_later.invalidate

    def watched(tags: tuple[str, ...]) -> bool:
        told.append(status_of(client, Submission.objects.get().pk).json()["status"])
        return drop(tags)

    monkeypatch.setattr(now_and_later, "invalidate", watched)
    submit(client, key="k-1")
    sandbox.clear()
    later(60)

    assert told == ["pending"]
    assert status_of(client, Submission.objects.get().pk).json()["status"] == "submitted"
