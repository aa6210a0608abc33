"""Second factors of accounts."""

from typing import ClassVar

from django.db import models

from gateway_clients.encryption import sealer
from members.models.accounts import Account


class SecondFactor(models.Model):
    """A secret that an account shares with its authenticator (RFC 6238), sealed; it holds once `confirmed_at` is set.

    `last_step` is the time step of the last code that was taken, so that each is good once.
    `recovery` holds digests of the recovery codes that are left.
    """

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.CASCADE, related_name="second_factor")
    secret = models.BinaryField()
    last_step = models.BigIntegerField(default=0)
    recovery = models.JSONField(default=list)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"second factor of {self.account_id}"

    def keep_secret(self, secret: str) -> None:
        """Seals the secret with the present key, bound to this account."""
        self.secret = sealer().seal(self._name, secret.encode())

    def open_secret(self) -> str:
        """The secret. Raises UnsealableError."""
        return sealer().open(self._name, bytes(self.secret)).decode()

    @property
    def _name(self) -> str:
        return f"second_factor:{self.account_id}"
