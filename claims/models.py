"""What is asked to be changed about claims, written down before it is sent: no crash makes it happen twice or never."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.db import models
from django.utils import timezone

from gateway_clients.encryption import sealer
from gateway_clients.models import new_key

#: How long a result is kept for repeats of the same key.
LIFE: Final = timedelta(hours=24)
#: Of an id in a column, in characters.
ID_MAX_LENGTH: Final = 64


class Operation(models.TextChoices):
    """What is asked for."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    APPEAL = "appeal"


class State(models.TextChoices):
    """Where it stands.

    checking → sending → submitted, refused or unknown; unknown → submitted or refused once it is settled. Until
    `sending` is written down nothing is sent; from then on it may have been.
    """

    CHECKING = "checking", "received, being checked"
    SENDING = "sending"
    SUBMITTED = "submitted"
    REFUSED = "refused"
    UNKNOWN = "unknown", "sent, outcome unknown"


FINAL: Final = (State.SUBMITTED, State.REFUSED)


class Submission(models.Model):
    """One attempt to submit, cancel or appeal a claim. What was asked, sent and answered is sealed with the row's id.

    Whoever works on it holds its `fence` until `leased_until`; with an older fence nothing can be written any more.
    `upstream_key` is the Idempotency-Key that the claims service sees, the same however often it is sent.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account_id = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - of those that sent none many may be
    upstream_key = models.CharField(max_length=64, default=new_key, editable=False)
    operation = models.CharField(max_length=8, choices=Operation.choices)
    member_id = models.CharField(max_length=ID_MAX_LENGTH)
    provider_id = models.CharField(max_length=ID_MAX_LENGTH, blank=True)
    claim_id = models.CharField(max_length=ID_MAX_LENGTH, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.CHECKING)
    fence = models.PositiveIntegerField(default=1, editable=False)
    leased_until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    asked = models.BinaryField()
    sent = models.BinaryField(null=True)
    answer = models.BinaryField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "idempotency_key"], name="claims_submission_key")
        ]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="claims_submission_expiry")]

    def __str__(self) -> str:
        return f"{self.operation} {self.id}"

    @property
    def is_final(self) -> bool:
        """Whether its outcome is known."""
        return self.state in FINAL

    def has_expired(self, now: datetime) -> bool:
        """Whether its key may be used anew. What is not settled never expires."""
        return self.is_final and self.expires_at <= now

    def seal(self, part: str, value: bytes) -> bytes:
        """The value as it is kept in this row's column `part`."""
        return sealer().seal(f"submission:{self.id}:{part}", value)

    def open(self, part: str) -> bytes:
        """Decrypts the column `part`. Raises UnsealableError."""
        return sealer().open(f"submission:{self.id}:{part}", bytes(getattr(self, part)))
