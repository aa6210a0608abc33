"""From what the gateway and its upstreams know of people to what portals see."""

from gateway_clients.edge.access import Role
from members.models import Account
from members.view_models.accounts import SignedIn, User


def to_user(account: Account) -> User:
    """Who an account is."""
    return User(
        id=str(account.pk),
        email=account.email,
        name=account.name,
        roles=[role for role in Role if role in account.roles],
        member_id=account.member_id,
        provider_id=account.provider_id,
    )


def to_signed_in(account: Account, *, access: str, refresh: str, expires_in_seconds: int) -> SignedIn:
    """What a sign-in or a refresh answers."""
    return SignedIn(access_token=access, refresh_token=refresh, expires_in=expires_in_seconds, user=to_user(account))
