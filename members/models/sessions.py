"""How accounts are signed in: families of tokens, and sessions of browsers."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from members.device import ADDRESS_LENGTH, USER_AGENT_LENGTH
from members.models.accounts import Account


class TokenFamily(models.Model):
    """All tokens that descend from one sign-in. Only `current` may be refreshed; the family dies as a whole.

    `previous` was traded for it at `rotated_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="token_families")
    epoch = models.PositiveIntegerField()
    current = models.CharField(max_length=32)
    previous = models.CharField(max_length=32, blank=True)
    rotated_at = models.DateTimeField(null=True)
    #: Pairs of a token that was traded before `previous`, and when in seconds since the epoch; only the latest ones.
    earlier = models.JSONField(null=True, default=list)
    address = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    #: The names of the keys that its last tokens were signed with; "" for those of before keys had names.
    refresh_key = models.CharField(max_length=64, blank=True, default="")
    access_key = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name_plural = "token families"
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="members_family_expiry")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_alive(self) -> bool:
        """Whether its tokens may be used: not revoked, the account active, its password the same as at sign-in."""
        return self.revoked_at is None and self.account.is_active and self.epoch == self.account.token_epoch


class BrowserSession(models.Model):
    """A sign-in of a browser, which holds a random secret in a cookie; only the secret's digest is kept.

    It ends at `expires_at`, or when it has not been used for `SESSION_IDLE` since
    `last_seen_at`, which is written at most once a minute.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="browser_sessions")
    epoch = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, unique=True, editable=False)
    address = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="members_session_expiry")]

    def __str__(self) -> str:
        return str(self.id)
