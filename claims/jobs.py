"""What the worker does about claims: handlers of the outbox, and chores. Their dotted names stand in the settings."""

import datetime
import uuid
from typing import Final

import msgspec
from django.conf import settings
from django.utils import timezone

from claims.models import FINAL, State, Submission
from claims.submissions import reconciliation
from claims.submissions.messages import SETTLE, about
from gateway_clients.database.batches import delete_in_batches, keys_in_batches
from gateway_clients.errors import GatewayError, UpstreamRejectedError
from gateway_clients.gateway import Gateway
from gateway_clients.instrumentation import logs
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox import leases, publisher
from gateway_clients.outbox.errors import LaterError, RefusedError
from gateway_clients.resilience.deadline import Deadline

#: An attempt that has sent nothing and that nobody has taken over for so long is forgotten.
ABANDONED_AFTER: Final = datetime.timedelta(minutes=5)
#: A message that is there is met well before.
RESUME_AFTER: Final = datetime.timedelta(minutes=1)


class Notification(msgspec.Struct, frozen=True):
    """What somebody is told."""

    type: str
    user_id: str
    channel: tuple[str, ...]
    claim_id: str | None = None


def settle_submission(message: OutboxMessage) -> None:
    """Finds out what became of a submission. Raises LaterError and RefusedError."""
    reconciliation.reconcile(
        message.payload["submission_id"], _gateway(), now=timezone.now(), is_foremost=leases.is_foremost(message)
    )


def send_notification(message: OutboxMessage) -> None:
    """Hands a notification to its service, under the message's key. Raises LaterError and RefusedError."""
    try:
        notification = msgspec.convert(message.payload, Notification)
    except msgspec.ValidationError:
        raise RefusedError("The message is no notification; it can only be deleted.", most_tries=1) from None
    gateway = _gateway()
    call = gateway.notification.send_notification(
        type=notification.type,
        user_id=notification.user_id,
        channel=notification.channel,
        claim_id=notification.claim_id,
        idempotency_key=message.key,
    )
    try:
        gateway.call(call).outcome()
    except UpstreamRejectedError as error:
        raise RefusedError(
            f"The notification service refuses it with {error.upstream_status}. Ask its owners why; then replay it."
        ) from None
    except GatewayError as error:
        raise LaterError(f"The notification service gives no answer ({error.code}).") from None


def forget_old_submissions() -> None:
    """Removes what was asked and answered 24 hours after it was settled, and attempts long abandoned."""
    now = timezone.now()
    delete_in_batches(Submission.objects.filter(state__in=FINAL, expires_at__lte=now))
    delete_in_batches(Submission.objects.filter(state=State.CHECKING, leased_until__lte=now - ABANDONED_AFTER))


def resume_settling() -> None:
    """Begins anew to settle what is open and has lost its message, for which only staff can be the reason."""
    late = timezone.now() - RESUME_AFTER
    open_ones = Submission.objects.filter(state__in=(State.SENDING, State.UNKNOWN), leased_until__lte=late)
    for keys in keys_in_batches(open_ones):
        keys_by_subject = {about(key): key for key in keys}
        met = OutboxMessage.objects.filter(kind=SETTLE, about__in=keys_by_subject).values_list("about", flat=True)
        for subject in keys_by_subject.keys() - set(met):
            publisher.put(SETTLE, {"submission_id": str(keys_by_subject[subject])}, about=subject)


def _gateway() -> Gateway:
    request_id = uuid.uuid4().hex
    logs.request_id.set(request_id)
    return Gateway(request_id=request_id, deadline=Deadline.after(settings.SUBMIT_BUDGET_SECONDS))
