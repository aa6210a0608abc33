"""The same Idempotency-Key again: the first result, and nothing happens twice."""

import datetime

import pytest
from django.db import OperationalError

from claims.jobs import forget_old_submissions
from claims.models import LIFE, State, Submission
from claims.submissions import repository, workflow
from claims.submissions.commands import GivenClaim
from gateway_clients.encryption import UnsealableError
from gateway_clients.gateway import Gateway
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.claims import NewClaimItem
from members.models import Account
from tests.writes.portal import SERVICE_DATE, a_claim, post, submit
from tests.writes.test_submitting import calls

pytestmark = pytest.mark.django_db
SECOND = datetime.timedelta(seconds=1)


def age(seconds: float) -> None:
    """The only submission there is was begun so much earlier."""
    by = datetime.timedelta(seconds=seconds)
    row = Submission.objects.get()
    Submission.objects.update(
        leased_until=row.leased_until - by, created_at=row.created_at - by, expires_at=row.expires_at - by
    )


@pytest.mark.parametrize(
    ("changes", "fault", "status"),
    [
        ({}, None, 201),
        ({"member_id": "m-38"}, None, 400),
        ({"provider_id": "prov-14"}, None, 400),
        ({}, 422, 422),
        ({}, 409, 409),
    ],
    ids=["submitted", "not eligible", "provider not active", "refused", "conflict"],
)
def test_a_result_is_answered_again_and_nobody_is_asked(portal, sandbox, written, changes, fault, status) -> None:
    client = portal("admin")
    if fault:
        sandbox.fault("claims", "status", status=fault)
    first = submit(client, a_claim(**changes), key="k-1")
    sandbox.clear()
    sandbox.reset()

    again = submit(client, a_claim(**changes), key="k-1")

    assert (first.status_code, again.status_code) == (status, status)
    assert first.content == again.content
    assert first.headers["Content-Type"] == again.headers["Content-Type"]
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert calls(sandbox) == {}
    assert len(written()) == (status == 201)


def test_a_default_that_is_spelled_out_is_the_same_claim(portal, written) -> None:
    client = portal()
    item = {"benefit_code": "CONS-GP", "amount": 1000}
    first = submit(client, a_claim(items=[item]), key="k-1")

    again = submit(client, a_claim(items=[{**item, "quantity": 1, "description": None}], notes=None), key="k-1")

    assert first.content == again.content
    assert len(written()) == 1


@pytest.mark.parametrize(
    "changes", [{"notes": "other"}, {"provider_id": "prov-2"}, {"items": [{"benefit_code": "CONS-GP", "amount": 1}]}]
)
def test_a_key_for_another_claim_is_refused(portal, sandbox, written, changes) -> None:
    client = portal("admin")
    submit(client, key="k-1")
    sandbox.reset()

    answer = submit(client, a_claim(**changes), key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert calls(sandbox) == {}
    assert len(written()) == 1


def test_a_key_for_another_operation_is_refused(portal, sandbox) -> None:
    client = portal()
    claim = submit(client, key="k-1").json()

    answer = post(client, f"claims/m-1/{claim['id']}/cancel", {}, "k-1")

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")


def test_keys_belong_to_their_account(portal, written) -> None:
    numbers = {submit(portal(), key="k-1").json()["claim_number"] for _ in range(2)}

    assert len(numbers) == 2
    assert len(written()) == 2


def test_without_a_key_each_is_a_claim_of_its_own(portal, written) -> None:
    client = portal()

    numbers = {submit(client).json()["claim_number"] for _ in range(2)}

    assert len(numbers) == 2
    assert len(written()) == 2


def test_while_the_first_is_under_way_a_repeat_is_told_so(portal, sandbox, written) -> None:
    client = portal()
    submit(client, key="k-1")
    Submission.objects.update(
        state=State.CHECKING,
        answer=None,
        leased_until=Submission.objects.get().created_at + 15 * SECOND,
        upstream_key="of-nothing-sent-so-far",
    )
    sandbox.reset()

    answer = submit(client, key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
    assert calls(sandbox) == {}
    age(14.0)
    assert submit(client, key="k-1").status_code == 409
    age(1.1)
    assert submit(client, key="k-1").status_code == 201


@pytest.mark.parametrize("fault", [None, "lost"])
def test_an_attempt_that_was_taken_over_sends_nothing_and_undoes_nothing(db, sandbox, written, later, fault) -> None:
    if fault:
        sandbox.fault("claims", fault, operation="submitClaim", times=1)
    account = Account.objects.create_user("a@example.org", "a-password", member_id="m-1")
    given = GivenClaim(
        member_id="m-1",
        provider_id="prov-1",
        service_date=datetime.date.fromisoformat(SERVICE_DATE),
        items=(NewClaimItem(benefit_code="CONS-GP", amount=1000),),
    )
    now = datetime.datetime.now(datetime.UTC)
    results = []

    class Slow(Gateway):
        """Whose first question takes so long that a repeat comes in between."""

        def call(self, call):
            if call.operation == "checkEligibility":
                results.append(attempt(Gateway, now + 15 * SECOND))
            return super().call(call)

    def attempt(kind, moment):
        gateway = kind(request_id="request-of-a-test", deadline=Deadline.after(5), on_behalf_of=str(account.pk))
        return workflow.submit_claim(
            gateway, account, given, account_id=str(account.pk), key="k-1", clock=lambda: moment
        )

    with pytest.raises(repository.RequestInProgressError):
        attempt(Slow, now)

    assert len(written()) == 1
    assert results[0].is_pending is (fault is not None)
    later(60)
    assert Submission.objects.get().state == State.SUBMITTED
    assert [entry.body["claim_id"] for entry in written("notification")] == [written()[0].id]


def test_a_repeat_that_comes_too_early_does_not_take_over(db, sandbox, written) -> None:
    account = Account.objects.create_user("a@example.org", "a-password", member_id="m-1")
    given = GivenClaim(member_id="m-1", provider_id="prov-1", service_date=datetime.date(2026, 3, 1), items=())
    asked = workflow.Asked(operation=workflow.Operation.SUBMIT, account_id=str(account.pk), key="k", given=given)
    now = datetime.datetime.now(datetime.UTC)
    repository.begin(asked, now)

    with pytest.raises(repository.RequestInProgressError):
        repository.begin(asked, now + 14.9 * SECOND)
    row, is_ours = repository.begin(asked, now + 15 * SECOND)

    assert (is_ours, row.fence) == (True, 2)
    with pytest.raises(repository.RequestInProgressError):
        repository.begin(asked, now + 29 * SECOND)


def test_after_a_day_a_key_is_new(portal, written) -> None:
    client = portal()
    submit(client, key="k-1")
    age(LIFE.total_seconds() - 60)
    assert submit(client, key="k-1").headers["Idempotency-Replayed"] == "true"
    age(61)

    answer = submit(client, a_claim(notes="another"), key="k-1")

    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (201, False)
    assert len(written()) == 2


def test_after_a_day_results_are_removed_and_open_ones_are_not(portal, sandbox) -> None:
    submit(portal(), key="old")
    age(LIFE.total_seconds() + 1)
    sandbox.fault("claims", "lost", operation="submitClaim")
    pending = submit(portal(), key="open").json()["submission_id"]
    Submission.objects.filter(pk=pending).update(expires_at=Submission.objects.get(pk=pending).created_at - LIFE)
    sandbox.clear()
    submit(portal(), key="new")

    forget_old_submissions()

    assert set(Submission.objects.values_list("idempotency_key", flat=True)) == {"open", "new"}


def test_an_attempt_that_died_before_it_sent_anything_is_forgotten(portal) -> None:
    submit(portal(), key="k-1")
    Submission.objects.update(state=State.CHECKING)
    forget_old_submissions()
    assert Submission.objects.exists()
    age(330)

    forget_old_submissions()

    assert not Submission.objects.exists()


def test_what_is_kept_is_encrypted_and_bound_to_its_row(portal, settings) -> None:
    settings.CACHE_ENCRYPTION_KEYS = ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",)
    client = portal()
    submit(client, a_claim(notes="SECRET-NOTE"), key="k-1")
    submit(client, a_claim(notes="SECRET-NOTE"), key="k-2")

    first, second = Submission.objects.all()
    kept = b"".join(bytes(part) for part in (first.asked, first.sent, first.answer))
    assert b"SECRET" not in kept
    assert b"CONS-GP" not in kept
    assert b"SECRET-NOTE" in first.open("asked")
    second.asked = first.asked
    with pytest.raises(UnsealableError):
        second.open("asked")
    settings.CACHE_ENCRYPTION_KEYS = ("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=", *settings.CACHE_ENCRYPTION_KEYS)
    assert submit(client, a_claim(notes="SECRET-NOTE"), key="k-1").headers["Idempotency-Replayed"] == "true"


def test_with_the_database_down_nothing_is_sent(portal, sandbox, monkeypatch) -> None:
    client = portal()

    def down(*_args, **_options):
        raise OperationalError("the database is down")

    monkeypatch.setattr(Submission, "save", down)

    answer = submit(client, key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")
    assert "Retry-After" in answer.headers
    assert calls(sandbox) == {}


def test_a_database_that_dies_before_the_sending_is_recorded_keeps_it_from_being_sent(
    portal, sandbox, monkeypatch
) -> None:
    client = portal()

    def down(*_args, **_options):
        raise OperationalError("the database is down")

    monkeypatch.setattr(repository, "start_sending", down)

    assert submit(client, key="k-1").status_code == 503
    assert "claims" not in calls(sandbox)


def test_a_database_that_dies_after_the_sending_changes_nothing_of_the_answer(
    portal, sandbox, written, monkeypatch, later
) -> None:
    client = portal()

    def down(*_args, **_options):
        raise OperationalError("the database is down")

    with monkeypatch.context() as patch:
        patch.setattr(repository, "keep_claim", down)
        first = submit(client, key="k-1")

    assert first.status_code == 201
    assert submit(client, key="k-1").json()["code"] == "request_in_progress"
    assert later(20.0) > 0
    assert submit(client, key="k-1").content == first.content
    assert len(written()) == 1
    assert len(written("notification")) == 1
