"""What became of a submission, as portals see it."""

import uuid
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from claims.aggregators import what_may_be_done
from claims.models import Submission as Row
from claims.submissions.commands import Outcome
from claims.submissions.recorded_outcome import outcome_of
from claims.submissions.visibility import require_sight
from claims.transformers import to_claim_detail
from claims.view_models import ClaimDetail, PendingSubmission, Submission, SubmissionError, SubmissionStatus
from gateway_clients.edge.access import Caller
from gateway_clients.edge.errors import NotFoundError
from gateway_clients.edge.output import meta_of
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.section import Section

#: Seconds after which it is worth looking at a pending submission.
LOOK_AGAIN_SECONDS: Final = 2


def shown_claim(outcome: Outcome, caller: Caller) -> ClaimDetail | None:
    """The claim of an outcome as this caller sees it; None where there is none.

    Its `meta` says what could not be read; it has none where there is nothing to say, so that a repeat is answered the
    same.
    """
    claim = outcome.claim
    if claim is None:
        return None
    shown = to_claim_detail(claim, may=what_may_be_done(caller, claim.member_id, claim.provider_id))
    section = Section(claim, SectionState.FRESH, omitted=claim.omitted, drifted=claim.drifted)
    if section.is_whole:
        return shown
    as_of = None if outcome.as_of is None else outcome.as_of.replace(microsecond=0)
    return replace(shown, meta=replace(meta_of({"claim": section}), as_of=as_of))


def shown_pending(outcome: Outcome) -> PendingSubmission:
    """Returns the answer of a submission whose outcome is not known yet."""
    return PendingSubmission(submission_id=outcome.submission_id, status=SubmissionStatus.PENDING)


def submission_status(submission_id: str, caller: Caller, *, account_id: str, now: datetime) -> Submission:
    """How far the account's submission has got.

    Raises NotFoundError for an unknown one, another account's, and one whose claim the account may not see any more.
    """
    try:
        key = uuid.UUID(submission_id)
    except ValueError:
        raise NotFoundError from None
    row = Row.objects.filter(pk=key, account_id=account_id).first()
    if row is None or row.has_expired(now):
        raise NotFoundError
    outcome = outcome_of(row, is_replayed=False)
    require_sight(row, outcome, caller)
    return Submission(
        submission_id=outcome.submission_id,
        status=_status(outcome),
        claim=shown_claim(outcome, caller),
        error=_error(outcome),
    )


def _status(outcome: Outcome) -> SubmissionStatus:
    if outcome.is_pending:
        return SubmissionStatus.PENDING
    return SubmissionStatus.REFUSED if outcome.claim is None else SubmissionStatus.SUBMITTED


def _error(outcome: Outcome) -> SubmissionError | None:
    problem = outcome.problem
    if problem is None:
        return None
    return SubmissionError(code=problem.code, title=problem.title, detail=problem.detail, status=problem.status)
