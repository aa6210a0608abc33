"""Tells an account of a sign-in with a user agent that it has not used for 90 days.

What is told goes into the outbox with the sign-in itself, so that there is neither without the other.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from gateway_clients.outbox import publisher
from gateway_clients.outbox.notifications import notification
from members.models import Account, UserAgent

#: So long after its last use a user agent is as good as unknown.
KNOWN_FOR: Final = timedelta(days=90)
#: A use is written down at most this often by those who stay signed in.
NOTE_AFTER: Final = timedelta(days=1)
TOLD: Final = "new_device_sign_in"


def note_sign_in(account: Account, user_agent: str) -> None:
    """Notes that the account signs in with it, and has that told where it is new; call it in the sign-in's transaction.

    Of several sign-ins at once with a new one the first is told.
    """
    now, digest = timezone.now(), _digest_of(user_agent)
    held = UserAgent.objects.filter(account=account)
    with transaction.atomic():
        if held.filter(digest=digest, last_used_at__gt=now - KNOWN_FOR).update(last_used_at=now):
            return
        held.filter(last_used_at__lte=now - KNOWN_FOR).delete()
        _, is_new = held.get_or_create(account=account, digest=digest, defaults={"last_used_at": now})
        if is_new:
            publisher.put(*notification(TOLD, account_id=str(account.pk)))


def note_use(account: Account, user_agent: str, now: datetime) -> None:
    """Notes that the account still uses it, at most once a day."""
    known = UserAgent.objects.filter(account=account, digest=_digest_of(user_agent))
    known.filter(last_used_at__lte=now - NOTE_AFTER).update(last_used_at=now)


def _digest_of(user_agent: str) -> str:
    return hashlib.sha256(user_agent.encode()).hexdigest()
