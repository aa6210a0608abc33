"""Gives each due message to one worker at a time, and takes back what became of it."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet

from gateway_clients.models import TROUBLE_LENGTH, OutboxMessage

#: Seconds that a handler may take beyond the time budget of a write.
MESSAGE_LEASE_RESERVE_SECONDS: Final = 5.0


def lease_time() -> timedelta:
    """How long a worker may hold a message."""
    return timedelta(seconds=settings.SUBMIT_BUDGET_SECONDS + MESSAGE_LEASE_RESERVE_SECONDS)


def lease(*, limit: int, now: datetime) -> list[OutboxMessage]:
    """Due messages, the longest due first, which nobody else gets before the lease ends.

    A conditional UPDATE decides (compare and set); where the database can skip locked rows, workers don't even meet.
    """
    due = OutboxMessage.objects.filter(parked_at=None, due_at__lte=now).order_by("due_at", "pk")
    until = now + lease_time()
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


def is_foremost(message: OutboxMessage) -> bool:
    """Whether it is the oldest of its kind that was tried before or is tried now, without those that are parked."""
    earlier = OutboxMessage.objects.filter(kind=message.kind, parked_at=None, attempts__gt=0, pk__lt=message.pk)
    return not earlier.exists()


def hasten_all(kind: str, *, now: datetime) -> int:
    """Makes all messages of a kind due that were postponed beyond what a lease takes; how many.

    Those that are due sooner may be held by a worker: they come by themselves.
    """
    postponed = OutboxMessage.objects.filter(kind=kind, parked_at=None, attempts__gt=0, due_at__gt=now + lease_time())
    return postponed.update(due_at=now)


def park(message: OutboxMessage, *, now: datetime, trouble: str) -> None:
    """It waits for staff."""
    _held(message).update(parked_at=now, refusals=message.refusals, trouble=trouble[:TROUBLE_LENGTH])


def replay(messages: QuerySet[OutboxMessage], *, now: datetime) -> int:
    """Makes parked messages due again, with the same keys. How many."""
    return messages.exclude(parked_at=None).update(parked_at=None, refusals=0, due_at=now, trouble="")


def _held(message: OutboxMessage) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(pk=message.pk, fence=message.fence)
