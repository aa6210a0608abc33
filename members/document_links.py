"""Links to documents for `<a href>`, which can send no token: each good for one download, within a minute.

The link stands for the account that asked for it. It opens one address, and dies with the account, with its password
and with its use. Of a link only a digest is kept, so that who reads the database can follow none.
"""

import datetime
import secrets
from hashlib import sha256
from typing import Final

from django.utils import timezone

from gateway_clients.database.batches import delete_in_batches
from gateway_clients.edge.errors import UnauthenticatedError
from members.caller import SignedInCaller, caller_from
from members.models import Account, DocumentLink

LIFE: Final = datetime.timedelta(seconds=60)
TOKEN_BYTES: Final = 32


def make(account_id: int, path: str) -> tuple[str, datetime.datetime]:
    """The token of a new link to an address, and when it ends.

    Raises UnauthenticatedError where the account is gone.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = timezone.now() + LIFE
    epoch = Account.objects.filter(pk=account_id).values_list("token_epoch", flat=True).first()
    if epoch is None:
        raise UnauthenticatedError
    DocumentLink.objects.create(
        digest=_digest_of(token), account_id=account_id, epoch=epoch, path=path, expires_at=expires_at
    )
    return token, expires_at


def redeem(token: str, path: str, *, is_spent: bool) -> SignedInCaller | None:
    """Returns the account behind a link to this address; None for an invalid or expired one.

    `is_spent`: it ends with this. Of several at once one gets it.
    """
    link = DocumentLink.objects.select_related("account").filter(pk=_digest_of(token), path=path).first()
    if link is None or not link.is_alive(timezone.now()):
        return None
    if is_spent and DocumentLink.objects.filter(pk=link.pk).delete()[0] != 1:
        return None
    account = link.account
    return caller_from(account.pk, account.member_id, account.provider_id, account.is_admin, account.is_staff)


def forget_old_links() -> None:
    """Removes links that nobody has followed in time."""
    delete_in_batches(DocumentLink.objects.filter(expires_at__lte=timezone.now()))


def _digest_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()
