"""What must outlast Redis.

That is what is to be done later, written together with what caused it; the events taken; staff's overrides; the audit
trail.
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
    ticket = models.CharField(max_length=64, blank=True)
    ordered_by = models.CharField(max_length=64)
    since = models.DateTimeField()
    until = models.DateTimeField()
    revision = models.CharField(max_length=32, default=new_key)

    class Meta:
        verbose_name = "breaker override"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.service}: {self.override}"


class AuditChain(models.Model):
    """The audit rows that one process has written, in their order.

    `mac` is that of row number `length`. Rows up to `dropped_length` are past their retention and gone; `dropped_mac`
    is that of the last one. `genesis` stands before the first row; the `predecessor` named in it is the chain that was
    begun before this one. The seals vouch for what the row says. Made by the migration, with triggers.
    """

    name = models.CharField(max_length=32, unique=True, default=new_key)
    predecessor = models.CharField(max_length=32, blank=True)
    process = models.CharField(max_length=128, help_text="Host and process id.")
    begun_at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    genesis = models.BinaryField()
    length = models.PositiveBigIntegerField()
    mac = models.BinaryField()
    dropped_length = models.PositiveBigIntegerField()
    dropped_mac = models.BinaryField()
    dropped_seal = models.BinaryField()
    seal = models.BinaryField()

    class Meta:
        managed = False
        db_table = "gateway_clients_auditchain"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.process} since {self.begun_at:%Y-%m-%d %H:%M}"


class AuditEntry(models.Model):
    """One row of the audit trail: who looked at what of which member, or tried to. Never the data itself.

    `origins` names for each of `sections` where it came from, or once where all came from there. `count` is above 1
    where equal tries that were denied are one row. Made by the migration, with triggers; on PostgreSQL in partitions.
    """

    chain = models.ForeignKey(AuditChain, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    number = models.PositiveBigIntegerField()
    at = models.DateTimeField("time")
    account_id = models.CharField("account", max_length=64, blank=True)
    role = models.CharField(max_length=32, blank=True)
    member_id = models.CharField("member", max_length=64, blank=True)
    action = models.CharField(max_length=64)
    sections = models.CharField(max_length=255, blank=True)
    origins = models.CharField("from", max_length=255, blank=True)
    outcome = models.CharField(max_length=16)
    count = models.PositiveIntegerField(default=1)
    request_id = models.CharField("request", max_length=64, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    key_id = models.CharField(max_length=16)
    mac = models.BinaryField()

    class Meta:
        managed = False
        db_table = "gateway_clients_auditentry"
        default_permissions = ("view",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"

    def __str__(self) -> str:
        return f"{self.outcome} {self.action} {self.member_id}"
