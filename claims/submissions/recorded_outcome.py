"""What a submission's row says of its outcome, decrypted and decoded."""

from typing import TypeVar

import msgspec
import structlog

from claims.models import Operation, State, Submission
from claims.submissions.commands import KeptClaim, Outcome
from gateway_clients.edge.errors import TemporarilyUnavailableError
from gateway_clients.edge.output import Problem
from gateway_clients.encryption import UnsealableError

A = TypeVar("A")
log = structlog.get_logger(__name__)


def outcome_of(row: Submission, *, is_replayed: bool) -> Outcome:
    """Returns the outcome as far as it is known.

    Raises TemporarilyUnavailableError without its encryption key, and where another version of the gateway has written
    what this one cannot read.
    """
    claim = problem = None
    try:
        operation = Operation(row.operation)
    except ValueError:
        log.error("submission.unreadable", submission=str(row.pk))  # noqa: TRY400 - its text quotes the row
        raise TemporarilyUnavailableError from None
    if row.state == State.SUBMITTED:
        claim = _answer(row, KeptClaim)
    elif row.state == State.REFUSED:
        problem = _answer(row, Problem)
    return Outcome(
        submission_id=str(row.pk),
        operation=operation,
        claim=claim,
        problem=problem,
        is_replayed=is_replayed,
        as_of=row.settled_at,
    )


def _answer(row: Submission, kind: type[A]) -> A:
    try:
        return msgspec.msgpack.decode(opened(row, "answer"), type=kind)
    except msgspec.MsgspecError:
        log.error("submission.unreadable", submission=str(row.pk))  # noqa: TRY400 - its text quotes the answer
        raise TemporarilyUnavailableError from None


def opened(row: Submission, part: str) -> bytes:
    """Decrypts a part of the row. Raises TemporarilyUnavailableError without its encryption key."""
    try:
        return row.open(part)
    except UnsealableError:
        log.error("submission.unsealable", submission=str(row.pk))  # noqa: TRY400 - where it was raised says nothing
        raise TemporarilyUnavailableError from None
