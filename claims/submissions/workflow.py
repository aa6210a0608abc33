"""The way of a submission, cancellation or appeal through the gateway, for REST and GraphQL alike."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from django.db import Error as DatabaseError
from django.utils import timezone

from claims.errors import KEPT
from claims.models import Operation, Submission
from claims.submissions import promises, repository
from claims.submissions.commands import Asked, GivenChange, GivenClaim, KeptClaim, Outcome
from claims.submissions.doubtful_commit import DoubtfulCommitError
from claims.submissions.preconditions import changeable_claim, checked_claim
from claims.submissions.recorded_outcome import outcome_of
from claims.submissions.verdict import Reason, Verdict, call_of, refusal_of, verdict_of
from claims.submissions.visibility import require_sight
from gateway_clients.edge.access import Caller, Resource, scope_of
from gateway_clients.edge.errors import ApiError
from gateway_clients.edge.output import problem_from
from gateway_clients.gateway import Gateway
from gateway_clients.invalidation import now_and_later
from gateway_clients.outbox.broker_notifier import nudge
from gateway_clients.runtime.failpoints import Failpoint, reach

#: Seconds that an attempt may still be writing down its result after its time budget; then others find it out.
RECORD_SECONDS: Final = 3.0
Clock = Callable[[], datetime]
#: What is to be sent, and the provider it concerns.
Prepare = Callable[[], tuple[bytes, str]]
log = structlog.get_logger(__name__)


def submit_claim(
    gateway: Gateway,
    caller: Caller,
    given: GivenClaim,
    *,
    account_id: str,
    key: str | None,
    clock: Clock = timezone.now,
) -> Outcome:
    """Submits a claim, once for each key of the account.

    Raises AccessDeniedError, NotFoundError for the claim of an earlier request that the account may not see any more,
    BadUserInputError for ids that nobody has, RequestInProgressError, KeyReusedError, and what the services fail with
    as long as nothing was sent.
    """
    scope_of(caller, Resource.CLAIM_SUBMISSION, member_id=given.member_id, provider_id=given.provider_id)

    def prepare() -> tuple[bytes, str]:
        claim = checked_claim(gateway, given, submitted_by=account_id)
        return msgspec.json.encode(claim), given.provider_id

    asked = Asked(
        operation=Operation.SUBMIT, account_id=account_id, key=key, given=given, provider_id=given.provider_id
    )
    return _carry_out(gateway, caller, asked, prepare, clock)


def change_claim(
    gateway: Gateway,
    caller: Caller,
    given: GivenChange,
    operation: Operation,
    *,
    account_id: str,
    key: str | None,
    clock: Clock = timezone.now,
) -> Outcome:
    """Cancels or appeals a claim, once for each key of the account. Raises as `submit_claim`."""
    scope = scope_of(caller, Resource.CLAIM_CHANGES, member_id=given.member_id)

    def prepare() -> tuple[bytes, str]:
        claim = changeable_claim(gateway, given, operation, scope=scope)
        return msgspec.json.encode(Reason(given.reason)), claim.provider_id or ""

    asked = Asked(operation=operation, account_id=account_id, key=key, given=given, provider_id=scope.provider_id or "")
    return _carry_out(gateway, caller, asked, prepare, clock)


def _carry_out(gateway: Gateway, caller: Caller, asked: Asked, prepare: Prepare, clock: Clock) -> Outcome:
    row, is_ours = repository.begin(asked, clock())
    if not is_ours:
        outcome = outcome_of(row, is_replayed=True)
        require_sight(row, outcome, caller)
        return outcome
    try:
        body, provider_id = prepare()
        until = clock() + timedelta(seconds=gateway.deadline.remaining_seconds + RECORD_SECONDS)
        repository.start_sending(row, body, provider_id=provider_id, until=until)
    except KEPT as refusal:
        return _refused(gateway, row, refusal, clock)
    except DoubtfulCommitError:
        if _is_forgotten(row):
            raise
        promises.keep(row, clock)
        return _outcome(row)
    except BaseException:
        with suppress(DatabaseError):
            repository.forget(row)
        raise
    return _send(gateway, row, body, clock)


def _is_forgotten(row: Submission) -> bool:
    try:
        repository.forget(row)
    except DatabaseError:
        log.exception("submission.doubtful", submission=str(row.pk))
        return False
    return True


def _send(gateway: Gateway, row: Submission, body: bytes, clock: Clock) -> Outcome:
    """From here on the row says that it may have been sent: whatever fails now, the worker finds out the rest."""
    reach(Failpoint.BEFORE_SEND)
    try:
        claim = KeptClaim.of(gateway.call(call_of(row, body)).outcome())
    except Exception as error:  # noqa: BLE001 - whatever it is, it says whether anything was sent
        reach(Failpoint.AFTER_SEND_BEFORE_RECORD)
        return _failed(gateway, row, error, clock)
    reach(Failpoint.AFTER_SEND_BEFORE_RECORD)
    # Once it is recorded, a repeat of its key is told of the claim: by then no view without it may be shown.
    tags = now_and_later.claim_tags(member_id=row.member_id, provider_id=row.provider_id or None, claim_id=claim.id)
    is_left_for_later = now_and_later.invalidate(tags)
    is_recorded = True
    try:
        repository.keep_claim(row, claim, clock())
    except DatabaseError:
        is_recorded = False
        log.exception("submission.not_recorded", submission=str(row.pk))
    if is_left_for_later:
        if not is_recorded:
            # Nobody but this process knows what is to be dropped. Once the worker has settled it, others do.
            return _outcome(row)
        now_and_later.await_return()
    nudge()
    reach(Failpoint.AFTER_RECORD_BEFORE_ANSWER)
    return _outcome(row, claim)


def _failed(gateway: Gateway, row: Submission, error: Exception, clock: Clock) -> Outcome:
    try:
        match verdict_of(error):
            case Verdict.REFUSED:
                return _refused(gateway, row, refusal_of(error), clock)
            case Verdict.NOTHING_HAPPENED:
                repository.forget(row)
                raise error
            case Verdict.UNKNOWN:
                log.warning("submission.unknown", submission=str(row.pk), reason=type(error).__name__)
                repository.mark_unknown(row, clock())
                nudge()
    except DoubtfulCommitError:
        # It may be forgotten already, and so may its message: but its portal is told that it is pending.
        log.exception("submission.doubtful", submission=str(row.pk))
        promises.keep(row, clock)
    except DatabaseError:
        # The row goes on saying that it may have been sent, so the worker will send it: nobody may be told otherwise.
        log.exception("submission.not_recorded", submission=str(row.pk))
    return _outcome(row)


def _refused(gateway: Gateway, row: Submission, refusal: ApiError, clock: Clock) -> Outcome:
    problem = problem_from(refusal, gateway.request_id)
    repository.keep_problem(row, problem, clock())
    return Outcome(submission_id=str(row.pk), operation=Operation(row.operation), problem=problem)


def _outcome(row: Submission, claim: KeptClaim | None = None) -> Outcome:
    return Outcome(submission_id=str(row.pk), operation=Operation(row.operation), claim=claim, as_of=row.settled_at)
