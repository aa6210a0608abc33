"""From what the gateway and its upstreams know of people to what portals see."""

import uuid
from collections.abc import Iterable

from gateway_clients.edge.access import Role
from members.models import Account, BrowserSession, TokenFamily
from members.view_models.accounts import SessionState, SignedIn, SignInKind, SignInSession, SignInSessions, User


def to_user(account: Account) -> User:
    """Transforms an account."""
    return User(
        id=str(account.pk),
        email=account.email,
        name=account.name,
        roles=[role for role in Role if role in account.roles],
        member_id=account.member_id,
        provider_id=account.provider_id,
    )


def to_signed_in(account: Account, *, access: str, refresh: str, expires_in_seconds: int) -> SignedIn:
    """Returns the answer to a sign-in or a refresh."""
    return SignedIn(access_token=access, refresh_token=refresh, expires_in=expires_in_seconds, user=to_user(account))


def to_session_state(account: Account, expires_in_seconds: int) -> SessionState:
    """Returns the answer to a browser's sign-in, or to a look at its session."""
    return SessionState(expires_in=expires_in_seconds, user=to_user(account))


def to_sessions(
    browsers: Iterable[BrowserSession], families: Iterable[TokenFamily], current: uuid.UUID | None
) -> SignInSessions:
    """All places where an account is signed in, the last used first."""
    items = [
        *(
            SignInSession(
                id=str(each.pk),
                kind=SignInKind.COOKIE,
                created_at=each.created_at,
                last_seen_at=each.last_seen_at,
                address=each.address,
                user_agent=each.user_agent,
                is_current=each.pk == current,
            )
            for each in browsers
        ),
        *(
            SignInSession(
                id=str(each.pk),
                kind=SignInKind.TOKEN,
                created_at=each.created_at,
                last_seen_at=each.rotated_at or each.created_at,
                address=each.address,
                user_agent=each.user_agent,
                is_current=each.pk == current,
            )
            for each in families
        ),
    ]
    return SignInSessions(items=tuple(sorted(items, key=lambda each: each.last_seen_at, reverse=True)))
