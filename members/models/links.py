"""Links that open one document once."""

import datetime

from django.db import models

from members.models.accounts import Account


class DocumentLink(models.Model):
    """A link to the bytes of one document, until it is followed; `digest` is that of its token."""

    digest = models.CharField(primary_key=True, max_length=64)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="document_links")
    epoch = models.PositiveIntegerField()
    path = models.CharField(max_length=255)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.path

    def is_alive(self, now: datetime.datetime) -> bool:
        """Whether it may be followed: in time, the account active, its password the same as when it was made."""
        return now < self.expires_at and self.account.is_active and self.epoch == self.account.token_epoch
