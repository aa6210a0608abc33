"""Finds out what became of what was sent: by sending it again, the same bytes under the same key.

While the breaker is open, the submission that has waited longest is its probe, every few seconds; once the service has
answered, the others follow at once.
"""

from datetime import datetime
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from claims.models import Operation, State, Submission
from claims.submissions import repository
from claims.submissions.commands import KeptClaim
from claims.submissions.messages import SETTLE
from claims.submissions.verdict import Verdict, call_of, refusal_of, verdict_of
from gateway_clients.edge.output import problem_from
from gateway_clients.edge.rest import TIMED_OUT
from gateway_clients.encryption import UnsealableError
from gateway_clients.errors import (
    GatewayError,
    UpstreamConflictError,
    UpstreamContractError,
    UpstreamError,
    UpstreamRejectedError,
)
from gateway_clients.gateway import Gateway
from gateway_clients.invalidation import now_and_later
from gateway_clients.outbox import leases
from gateway_clients.outbox.errors import LONGEST_PAUSE_SECONDS, LaterError, RefusedError
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.services.claims import ClaimsService

#: So often the claims service may answer what settles nothing, a minute apart at most, before staff are asked.
MOST_TRIES: Final = 15
#: Seconds, at most, between two probes of a breaker that is open.
LONGEST_PROBE_PAUSE_SECONDS: Final = 3.0
UNSEALABLE: Final = (
    "What was sent cannot be decrypted. Put the key it was encrypted with back into CACHE_ENCRYPTION_KEYS, after the "
    "first one, then replay this message."
)
KEY_TAKEN: Final = (
    "The claims service says that the Idempotency-Key {key} was used for another request. Ask its owners whether the "
    "claim exists under that key, and tell the member."
)
REFUSES_US: Final = (
    "The claims service answers {status}, which says nothing of the claim. Mend what it refuses "
    "(UPSTREAM_SERVICE_TOKEN, CLAIMS_SERVICE_URL), then replay this message: it is sent under the same key {key}."
)
UNREADABLE: Final = (
    "The claims service's answers cannot be read. Ask its owners what became of the Idempotency-Key {key}; once it "
    "answers as its contract says, replay this message."
)
OF_ANOTHER_VERSION: Final = "Another version of the gateway wrote this down: a worker of that version will send it."
log = structlog.get_logger(__name__)


def reconcile(submission_id: str, gateway: Gateway, *, now: datetime, is_foremost: bool = False) -> None:
    """Makes an unknown outcome known; the message that asks for it is not due before its sender's time is over.

    `is_foremost`: no other submission has waited for as long. Raises LaterError while it stays unknown, RefusedError
    when staff are needed.
    """
    row = Submission.objects.filter(pk=submission_id).first()
    if row is None or row.is_final:
        return
    if row.state == State.CHECKING or not repository.start_settling(row, now):
        raise LaterError("Somebody else is at it.")
    try:
        call = replace(call_of(row, row.open("sent")), may_probe_early=is_foremost)
    except UnsealableError:
        raise RefusedError(UNSEALABLE, most_tries=1) from None
    except (ValueError, msgspec.MsgspecError):
        log.error("submission.unreadable", submission=str(row.pk))  # noqa: TRY400 - its text quotes what was sent
        raise LaterError(OF_ANOTHER_VERSION) from None
    try:
        claim = KeptClaim.of(gateway.call(call).outcome())
    except GatewayError as error:
        _reconcile_failed(row, error, gateway.request_id, now, is_foremost=is_foremost)
        return
    # Once it is recorded, its portal is told of the claim: by then no view without it may be shown.
    now_and_later.invalidate(
        now_and_later.claim_tags(member_id=row.member_id, provider_id=row.provider_id or None, claim_id=claim.id)
    )
    repository.keep_claim(row, claim, now)
    log.info("submission.settled", submission=str(row.pk), outcome="submitted")
    if is_foremost:
        leases.hasten_all(SETTLE, now=now)


def _reconcile_failed(
    row: Submission, error: GatewayError, request_id: str, now: datetime, *, is_foremost: bool
) -> None:
    key = row.upstream_key
    match error:
        case UpstreamConflictError() if row.operation == Operation.SUBMIT:
            raise RefusedError(KEY_TAKEN.format(key=key), most_tries=1)
        case UpstreamError() if verdict_of(error) is Verdict.REFUSED:
            repository.keep_problem(row, problem_from(refusal_of(error), request_id), now)
            log.info("submission.settled", submission=str(row.pk), outcome="refused")
            if is_foremost:
                leases.hasten_all(SETTLE, now=now)
        case UpstreamRejectedError() if error.upstream_status != TIMED_OUT:
            raise RefusedError(REFUSES_US.format(status=error.upstream_status, key=key), most_tries=MOST_TRIES)
        case UpstreamContractError():
            raise RefusedError(UNREADABLE.format(key=key), most_tries=MOST_TRIES)
        case _:
            is_probing = is_foremost and not upstream(ClaimsService.name).breaker.is_closed
            pause_seconds = LONGEST_PROBE_PAUSE_SECONDS if is_probing else LONGEST_PAUSE_SECONDS
            raise LaterError(f"The claims service gives no answer ({error.code}).", longest_pause_seconds=pause_seconds)
