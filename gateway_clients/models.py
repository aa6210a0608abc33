"""What must outlast Redis.

That is what is to be done later, written together with what caused it; the events taken; staff's overrides.
"""

from typing import ClassVar, Final
from uuid import uuid4

from django.db import models
from django.utils import timezone

TROUBLE_LENGTH: Final = 1000


def new_key() -> str:
    """A key that nobody used before."""
    return uuid4().hex


class OutboxMessage(models.Model):
    """One thing to be done by the worker, at least once; the row is deleted when it is done.

    `key` is the same at every attempt. Until `due_at` nobody looks at it: a lease is a later `due_at` and a new
    `fence`; whoever holds an older fence can no longer say how it went. A parked one waits for staff.
    """

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=64, unique=True, default=new_key, editable=False)
    about = models.CharField(max_length=128, blank=True, db_index=True, help_text="What it belongs to.")
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0, help_text="Attempts that trying again would not have helped.")
    fence = models.PositiveBigIntegerField(default=0, editable=False)
    parked_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=TROUBLE_LENGTH, blank=True, help_text="How the last attempt went wrong.")

    class Meta:
        verbose_name = "outbox message"
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="gateway_outbox_due", condition=models.Q(parked_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class ReceivedEvent(models.Model):
    """An event that was acted on, so that its repeats are not."""

    webhook_id = models.CharField(primary_key=True, max_length=255)
    received_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.webhook_id


class BreakerOverride(models.Model):
    """Staff's last word on the breaker of one upstream. It says nothing from `until` on.

    With each word `revision` is another. `ordered_by` is an account's id; the row outlives the account.
    """

    service = models.CharField(primary_key=True, max_length=32)
    override = models.CharField(max_length=16)
    reason = models.CharField(max_length=300)
    ordered_by = models.CharField(max_length=64)
    since = models.DateTimeField()
    until = models.DateTimeField()
    revision = models.CharField(max_length=32, default=new_key)

    class Meta:
        verbose_name = "breaker override"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.service}: {self.override}"
