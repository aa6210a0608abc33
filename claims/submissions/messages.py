"""The outbox messages of a submission: what their subject is, and what they say."""

import uuid
from typing import Any, Final

from claims.models import Submission
from gateway_clients.outbox.notifications import notification
from gateway_clients.services.claims import ClaimPayload

#: Asks the worker what became of a submission.
SETTLE: Final = "claims.settle"
#: PostgreSQL keeps it in no text and in no JSON.
NUL: Final = "\x00"


def about(submission: Submission | uuid.UUID) -> str:
    """Returns the subject of the outbox messages of a submission, or of the one with this key."""
    return f"submission:{submission.pk if isinstance(submission, Submission) else submission}"


def news(row: Submission, claim: ClaimPayload) -> tuple[str, dict[str, Any]]:
    """Returns the notification for the submitter. It names the claim unless its id cannot be stored as JSON."""
    kind, told = notification("claim_submitted", account_id=row.account_id)
    return kind, told if NUL in claim.id else {**told, "claim_id": claim.id}
