"""The rows of submissions: each step is one short transaction, and only whoever holds the fence takes it."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import F

from claims.errors import KeyReusedError, RequestInProgressError
from claims.models import FINAL, ID_MAX_LENGTH, LIFE, Operation, State, Submission
from claims.submissions.commands import Asked, GivenClaim, KeptClaim
from claims.submissions.doubtful_commit import doubt_in_commit
from claims.submissions.messages import SETTLE, about, news
from claims.submissions.recorded_outcome import opened
from gateway_clients.caching.pending_invalidations import KIND
from gateway_clients.edge.output import Problem
from gateway_clients.invalidation import now_and_later
from gateway_clients.outbox import publisher
from gateway_clients.runtime.failpoints import Failpoint, reach

#: An attempt that has sent nothing for so long is taken over by the next repeat.
TAKE_OVER_AFTER: Final = timedelta(seconds=15)
#: The first try to find out what became of it comes so soon after it turned out to be unknown.
FIRST_TRY_AFTER: Final = timedelta(seconds=1)
#: A row that is there and gone again is met that often at most.
MOST_ROUNDS: Final = 5


def begin(asked: Asked, now: datetime) -> tuple[Submission, bool]:
    """The row of this request, and whether it is ours to carry out; else its outcome is to be told.

    Raises RequestInProgressError while somebody else carries it out, KeyReusedError when its key was used for something
    else. The database decides who is first.
    """
    for _ in range(MOST_ROUNDS):
        row = _inserted(asked, now)
        if row is not None:
            return row, True
        found = Submission.objects.filter(account_id=asked.account_id, idempotency_key=asked.key).first()
        if found is None:
            continue
        if found.has_expired(now):
            found.delete()
            continue
        if opened(found, "asked") != asked.fingerprint:
            raise KeyReusedError
        if found.is_final or (found.state != State.CHECKING and found.leased_until <= now):
            return found, False
        if found.leased_until > now or not _is_taken_over(found, now):
            raise RequestInProgressError
        return found, True
    raise RequestInProgressError


def _inserted(asked: Asked, now: datetime) -> Submission | None:
    given = asked.given
    row = Submission(
        account_id=asked.account_id,
        idempotency_key=asked.key,
        operation=asked.operation,
        member_id=given.member_id,
        provider_id=asked.provider_id,
        claim_id="" if isinstance(given, GivenClaim) else given.claim_id,
        created_at=now,
        leased_until=now + TAKE_OVER_AFTER,
        expires_at=now + LIFE,
    )
    row.asked = row.seal("asked", asked.fingerprint)
    reach(Failpoint.BEFORE_INSERT)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return None
    reach(Failpoint.AFTER_INSERT)
    return row


def _is_taken_over(row: Submission, now: datetime) -> bool:
    held = Submission.objects.filter(pk=row.pk, fence=row.fence, state=State.CHECKING)
    is_ours = held.update(fence=F("fence") + 1, leased_until=now + TAKE_OVER_AFTER) == 1
    row.fence += 1
    return is_ours


def start_sending(row: Submission, body: bytes, *, provider_id: str, until: datetime) -> None:
    """Writes down that from now on it may have been sent, and that somebody is to find out if we never say more.

    Raises RequestInProgressError when it was taken over meanwhile: then nothing may be sent; and DoubtfulCommitError.
    """
    row.sent, row.state, row.leased_until = row.seal("sent", body), State.SENDING, until
    row.provider_id = column_text(provider_id)
    with doubt_in_commit() as changes, transaction.atomic():
        is_ours = Submission.objects.filter(pk=row.pk, fence=row.fence, state=State.CHECKING).update(
            sent=row.sent, state=row.state, leased_until=until, provider_id=row.provider_id
        )
        if not is_ours:
            raise RequestInProgressError
        publisher.put(SETTLE, {"submission_id": str(row.pk)}, about=about(row), due_at=until)
        changes.are_complete = True


def keep_claim(row: Submission, claim: KeptClaim, now: datetime) -> None:
    """It has happened: whoever learns it first writes it down with what follows, whatever was thought before."""
    tags = now_and_later.claim_tags(member_id=row.member_id, provider_id=row.provider_id or None, claim_id=claim.id)
    follows: list[tuple[str, dict[str, Any]]] = [(KIND, {"tags": list(tags)})]
    if row.operation == Operation.SUBMIT:
        follows.append(news(row, claim))
    with transaction.atomic():
        is_news = (
            Submission.objects.filter(pk=row.pk)
            .exclude(state=State.SUBMITTED)
            .update(
                state=State.SUBMITTED,
                answer=row.seal("answer", msgspec.msgpack.encode(claim)),
                claim_id=column_text(claim.id),
                settled_at=now,
                expires_at=max(row.expires_at, now + LIFE),
            )
        )
        if is_news:
            publisher.withdraw(SETTLE, about=about(row))
            publisher.put_all(follows, about=about(row))
    row.claim_id, row.settled_at = column_text(claim.id), now


def column_text(upstream_id: str) -> str:
    """Returns an upstream's id as a column holds it: "" for one that is too long or cannot be stored."""
    return upstream_id if len(upstream_id) <= ID_MAX_LENGTH and upstream_id.isprintable() else ""


def keep_problem(row: Submission, problem: Problem, now: datetime) -> bool:
    """It has not happened, and will not. False: it is settled, or was taken over, and stays as it is."""
    with transaction.atomic():
        is_ours = (
            Submission.objects.filter(pk=row.pk, fence=row.fence)
            .exclude(state__in=FINAL)
            .update(
                state=State.REFUSED,
                answer=row.seal("answer", msgspec.msgpack.encode(problem)),
                settled_at=now,
                expires_at=max(row.expires_at, now + LIFE),
            )
        )
        if is_ours and row.sent is not None:
            publisher.withdraw(SETTLE, about=about(row))
    return is_ours == 1


def mark_unknown(row: Submission, now: datetime) -> None:
    """Nobody knows whether it has happened; finding out begins soon."""
    with transaction.atomic():
        is_ours = Submission.objects.filter(pk=row.pk, fence=row.fence, state=State.SENDING).update(
            state=State.UNKNOWN, leased_until=now
        )
        if is_ours:
            publisher.hasten(SETTLE, about=about(row), due_at=now + FIRST_TRY_AFTER)


def forget(row: Submission) -> None:
    """It failed before anything happened: the same key begins anew. One that was taken over is not ours to forget.

    Raises DoubtfulCommitError.
    """
    with doubt_in_commit() as changes, transaction.atomic():
        ours = Submission.objects.filter(pk=row.pk, fence=row.fence, state__in=(State.CHECKING, State.SENDING))
        if ours.delete()[0] and row.sent is not None:
            publisher.withdraw(SETTLE, about=about(row))
        changes.are_complete = True


def keep_promise(row: Submission, now: datetime) -> None:
    """Its portal was told that it is pending: writes down, unless it is there, that it is to be sent now.

    What another attempt made of it meanwhile stays as it is.
    """
    try:
        with transaction.atomic():
            kept = Submission.objects.select_for_update().filter(pk=row.pk).first()
            if kept is None:
                row.state, row.leased_until = State.SENDING, now
                row.save(force_insert=True)
            elif kept.fence != row.fence or kept.is_final:
                return
            else:
                Submission.objects.filter(pk=row.pk).update(
                    sent=row.sent, state=State.SENDING, leased_until=now, provider_id=row.provider_id
                )
            publisher.withdraw(SETTLE, about=about(row))
            publisher.put(SETTLE, {"submission_id": str(row.pk)}, about=about(row), due_at=now)
    except IntegrityError:
        # Its key has begun anew: what that comes to is what its portal will see.
        return


def start_settling(row: Submission, now: datetime) -> bool:
    """Takes over what was sent by somebody who has not said how it went; False: somebody else has, or is at it."""
    is_ours = (
        Submission.objects.filter(pk=row.pk, fence=row.fence)
        .exclude(state__in=FINAL)
        .update(fence=F("fence") + 1, state=State.UNKNOWN, leased_until=now)
    ) == 1
    row.fence += 1
    return is_ours
