"""All places where an account is signed in, whichever way; its owner lists and ends them."""

import uuid

from django.utils import timezone

from members import browser_sessions
from members.account_changes import tell_family
from members.models import Account, BrowserSession, TokenFamily


def living_of(account: Account) -> tuple[list[BrowserSession], list[TokenFamily]]:
    """Those that hold now: browsers, and families of tokens."""
    now = timezone.now()
    browsers = BrowserSession.objects.filter(account=account, epoch=account.token_epoch, revoked_at=None)
    families = TokenFamily.objects.filter(
        account=account, epoch=account.token_epoch, revoked_at=None, expires_at__gt=now
    )
    return list(browsers.exclude(browser_sessions.is_over(now))), list(families)


def end_one(account: Account, session_id: uuid.UUID) -> bool:
    """Ends one of the account's own; False where it has none of that id that holds."""
    browsers, families = living_of(account)
    if session_id not in {each.pk for each in (*browsers, *families)}:
        return False
    now = timezone.now()
    BrowserSession.objects.filter(pk=session_id, revoked_at=None).update(revoked_at=now)
    TokenFamily.objects.filter(pk=session_id, revoked_at=None).update(revoked_at=now)
    tell_family(session_id)
    return True


def end_others(account: Account, current: uuid.UUID | None) -> None:
    """Ends all of the account's but one."""
    ended = [each.pk for held in living_of(account) for each in held if each.pk != current]
    now = timezone.now()
    BrowserSession.objects.filter(pk__in=ended, revoked_at=None).update(revoked_at=now)
    TokenFamily.objects.filter(pk__in=ended, revoked_at=None).update(revoked_at=now)
    for session_id in ended:
        tell_family(session_id)
