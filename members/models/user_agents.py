"""With which user agents accounts sign in, so that one that is new to an account can be told to its owner."""

from typing import ClassVar

from django.db import models

from members.models.accounts import Account


class UserAgent(models.Model):
    """A user agent that an account has signed in with, and when it last did; only a digest of its name is kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="user_agents")
    digest = models.CharField(max_length=64)
    last_used_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "digest"], name="members_useragent_of_account")
        ]

    def __str__(self) -> str:
        return self.digest
