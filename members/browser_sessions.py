"""The life of a browser's session: begun by a sign-in, prolonged by use, ended by its owner, by time, or by staff."""

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q
from django.utils import timezone

from gateway_clients.caching.store import cluster
from members.account_changes import tag_of_account, tag_of_family, tell_family
from members.caller import SignedInCaller, caller_from, require_database_for
from members.device import Device
from members.models import Account, BrowserSession

#: Random bytes of a cookie: 256 bits.
SECRET_BYTES: Final = 32
#: A session is prolonged at most this often, so that many tabs at once write one row once.
PROLONG_AFTER: Final = timedelta(minutes=1)
#: Seconds that a process remembers one, and what that takes, in bytes, about.
KEPT_SECONDS: Final = 60.0
SESSION_BYTES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Begun:
    """A new session: the secret that goes into the cookie, which is not kept, and for how many seconds it is good."""

    secret: str
    account: Account
    expires_in_seconds: int


@dataclass(frozen=True, slots=True)
class LivingSession:
    """A session that holds at this moment."""

    id: uuid.UUID
    digest: str
    caller: SignedInCaller
    last_seen_at: datetime
    ends_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed, the idle one or the absolute one."""
        return now >= min(self.last_seen_at + settings.SESSION_IDLE, self.ends_at)

    def expires_in_seconds(self, now: datetime) -> int:
        """Whole seconds until it ends, if it is not used again."""
        return max(1, int((min(self.last_seen_at + settings.SESSION_IDLE, self.ends_at) - now).total_seconds()))

    def keep(self, asked_at: float) -> None:
        """Has the process remember it, as far as the cluster's lease allows."""
        tags = (tag_of_family(self.id), tag_of_account(self.caller.pk))
        name = _near_name(self.digest)
        cluster().near.put(name, self, tags=tags, size_bytes=SESSION_BYTES, seconds=KEPT_SECONDS, asked_at=asked_at)


def begin(account: Account, device: Device) -> Begun:
    """A new session with a secret of its own, whatever session the browser had before. The account's dead ones go."""
    now = timezone.now()
    BrowserSession.objects.filter(account=account).filter(is_over(now)).delete()
    secret = secrets.token_urlsafe(SECRET_BYTES)
    BrowserSession.objects.create(
        account=account,
        epoch=account.token_epoch,
        digest=digest_of(secret),
        address=device.address,
        user_agent=device.user_agent,
        created_at=now,
        last_seen_at=now,
        expires_at=now + settings.SESSION_ABSOLUTE,
    )
    seconds = min(settings.SESSION_IDLE, settings.SESSION_ABSOLUTE).total_seconds()
    return Begun(secret, account, int(seconds))


def living(secret: str) -> LivingSession | None:
    """The session of a cookie, if it, its account and the password of its sign-in still hold.

    As of a token's caller, what is known of it may be up to `KEPT_SECONDS` old, but never older than a change that
    `account_changes` has told. Raises OperationalError for others than members while the database is down.
    """
    digest, now = digest_of(secret), timezone.now()
    kept: LivingSession | None = cluster().near.get(_near_name(digest))
    if kept is not None:
        require_database_for(kept.caller)
    # One that is over may have been prolonged by another process.
    if kept is None or kept.is_over(now):
        kept = _found(digest)
    return None if kept is None or kept.is_over(now) else kept


def _found(digest: str) -> LivingSession | None:
    asked_at = time.monotonic()
    row = (
        BrowserSession.objects.filter(
            digest=digest, epoch=F("account__token_epoch"), account__is_active=True, revoked_at=None
        )
        .values_list(
            "id",
            "last_seen_at",
            "expires_at",
            "account_id",
            "account__member_id",
            "account__provider_id",
            "account__is_admin",
            "account__is_staff",
        )
        .first()
    )
    if row is None:
        return None
    session_id, last_seen_at, ends_at, *of_account = row
    session = LivingSession(session_id, digest, caller_from(*of_account), last_seen_at, ends_at)
    session.keep(asked_at)
    return session


def prolong(session: LivingSession) -> bool:
    """Notes that it is used, at most once a minute; of many at the same time one writes. Whether this one did."""
    now = timezone.now()
    if now - session.last_seen_at < PROLONG_AFTER:
        return False
    held = BrowserSession.objects.filter(pk=session.id, last_seen_at=session.last_seen_at, revoked_at=None)
    try:
        is_written = held.update(last_seen_at=now) == 1
    except (OperationalError, InterfaceError):
        # While the database is down, what is known of the account answers reads; the next use prolongs it.
        return False
    # Whoever wrote it, what is known here is out of date: the next use looks it up, with what holds of its account.
    cluster().near.forget(_near_name(session.digest))
    return is_written


def end(session_id: uuid.UUID) -> None:
    """Ends it; nothing when it has ended before."""
    BrowserSession.objects.filter(pk=session_id, revoked_at=None).update(revoked_at=timezone.now())
    tell_family(session_id)


def digest_of(secret: str) -> str:
    """Returns the digest that is stored of a secret. The secret is random, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _near_name(digest: str) -> str:
    return f"browser:{digest}"


def is_over(now: datetime) -> Q:
    """Those whose time has passed, the idle one or the absolute one."""
    return Q(expires_at__lte=now) | Q(last_seen_at__lte=now - settings.SESSION_IDLE)
