"""Gives each due message to one worker at a time, and takes back what became of it."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet

from gateway_clients.models import TROUBLE_LENGTH, OutboxMessage


def lease(*, limit: int, lease_seconds: float, now: datetime) -> list[OutboxMessage]:
    """Due messages, the longest due first, which nobody else gets before the lease ends.

    A conditional UPDATE decides (compare and set); where the database can skip locked rows, workers don't even meet.
    """
    due = OutboxMessage.objects.filter(parked_at=None, due_at__lte=now).order_by("due_at", "pk")
    until = now + timedelta(seconds=lease_seconds)
    if not due.exists():
        return []
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    with transaction.atomic():
        return [message for message in due[:limit] if _is_taken(message, until)]


def _is_taken(message: OutboxMessage, until: datetime) -> bool:
    is_ours = _held(message).update(fence=F("fence") + 1, attempts=F("attempts") + 1, due_at=until) == 1
    message.fence += 1
    message.attempts += 1
    return is_ours


def oldest_due(*, now: datetime) -> datetime | None:
    """Since when the message has been due that waits longest for a worker; None when none is due."""
    due = OutboxMessage.objects.filter(parked_at=None, due_at__lte=now).order_by("due_at")
    return due.values_list("due_at", flat=True).first()


def done(message: OutboxMessage) -> bool:
    """Deletes it. False: the lease was lost, and another worker has it now."""
    return _held(message).delete()[0] > 0


def postpone(message: OutboxMessage, *, due_at: datetime, trouble: str) -> None:
    """It is tried again then."""
    _held(message).update(due_at=due_at, refusals=message.refusals, trouble=trouble[:TROUBLE_LENGTH])


def park(message: OutboxMessage, *, now: datetime, trouble: str) -> None:
    """It waits for staff."""
    _held(message).update(parked_at=now, refusals=message.refusals, trouble=trouble[:TROUBLE_LENGTH])


def replay(messages: QuerySet[OutboxMessage], *, now: datetime) -> int:
    """Makes parked messages due again, with the same keys. How many."""
    return messages.exclude(parked_at=None).update(parked_at=None, refusals=0, due_at=now, trouble="")


def _held(message: OutboxMessage) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(pk=message.pk, fence=message.fence)
