"""Puts messages into the outbox; call it in the transaction of what causes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from gateway_clients.models import OutboxMessage


def put(kind: str, payload: Mapping[str, Any], *, about: str = "", due_at: datetime | None = None) -> None:
    """A message with a key of its own; due now unless told."""
    put_all([(kind, payload)], about=about, due_at=due_at)


def put_all(
    messages: Sequence[tuple[str, Mapping[str, Any]]], *, about: str = "", due_at: datetime | None = None
) -> None:
    """Several at once, in one statement."""
    now = timezone.now()
    OutboxMessage.objects.bulk_create(
        OutboxMessage(kind=kind, payload=dict(payload), about=about, created_at=now, due_at=due_at or now)
        for kind, payload in messages
    )


def hasten(kind: str, *, about: str, due_at: datetime | None = None) -> int:
    """Makes a message due sooner, unless it is parked; as if it had been due when it was made unless told.

    Returns how many there were.
    """
    messages = OutboxMessage.objects.filter(kind=kind, about=about, parked_at=None)
    return messages.update(due_at=F("created_at") if due_at is None else due_at)


def withdraw(kind: str, *, about: str) -> None:
    """Takes back a message whose cause is gone."""
    OutboxMessage.objects.filter(kind=kind, about=about).delete()
