"""The life of a token family: begun by a sign-in, rotated by each refresh, ended by a logout or a stolen token."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from gateway_clients.edge.errors import TokenAlreadyRotatedError, TokenExpiredError, UnauthenticatedError
from members import user_agents
from members.account_changes import tell_family
from members.device import Device
from members.models import Account, TokenFamily
from members.token_settings import setting
from members.tokens import RefreshToken, keys_in_use

#: A refresh token that is used again this soon was not stolen: two tabs of one portal refreshed at once.
REPEAT_WINDOW: Final = timedelta(seconds=5)
NO_DEVICE: Final = Device()


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a sign-in or a refresh gives. `expires_in_seconds` is the access token's."""

    access: str
    refresh: str
    expires_in_seconds: int
    account: Account


def begin(account: Account, device: Device = NO_DEVICE) -> TokenPair:
    """A new family, and its first tokens. The account's expired families go."""
    TokenFamily.objects.filter(account=account, expires_at__lt=timezone.now()).delete()
    return _pair(account, RefreshToken.for_device(account, device))


def rotate(text: str) -> TokenPair:
    """A new pair for a refresh token, which is dead from then on.

    One conditional UPDATE decides among several that use it at once. Raises TokenAlreadyRotatedError to those that come
    within 5 seconds of it, though its successor was traded too, and UnauthenticatedError, revoking the family, to those
    that come later. A token whose time is over raises TokenExpiredError and revokes nothing.
    """
    token = _parsed(text)
    family = _family_of(token)
    if family is None or not family.is_alive:
        raise UnauthenticatedError
    now = timezone.now()
    refresh = RefreshToken.of(family)
    refresh_key, access_key = keys_in_use()
    is_winner = TokenFamily.objects.filter(pk=family.pk, current=token.jti, revoked_at=None).update(
        current=refresh.jti,
        refresh_key=refresh_key,
        access_key=access_key,
        previous=token.jti,
        rotated_at=now,
        earlier=list(_traded_lately(family, now).items()),
        expires_at=now + setting("REFRESH_TOKEN_LIFETIME"),
    )
    if is_winner:
        user_agents.note_use(family.account, family.user_agent, now)
        return _pair(family.account, refresh)
    try:
        family.refresh_from_db(fields=["previous", "rotated_at", "earlier", "revoked_at"])
    except TokenFamily.DoesNotExist:
        raise UnauthenticatedError from None
    if family.revoked_at is None and token.jti in _traded_lately(family, timezone.now()):
        raise TokenAlreadyRotatedError
    _revoke(family)
    raise UnauthenticatedError


def end(text: str) -> None:
    """The family of a refresh token is dead, its access tokens too. Ending a dead one again is no error."""
    family = _family_of(_parsed(text))
    if family is not None:
        _revoke(family)


def _parsed(text: str) -> RefreshToken:
    try:
        return RefreshToken(text)
    except ExpiredTokenError:
        raise TokenExpiredError from None
    except TokenError:
        raise UnauthenticatedError from None


def _family_of(token: RefreshToken) -> TokenFamily | None:
    try:
        family_id = token.family_id
    except ValueError:
        return None
    family = TokenFamily.objects.select_related("account").filter(pk=family_id).first()
    return family if family is not None and str(family.account_id) == token.account_id else None


def _traded_lately(family: TokenFamily, now: datetime) -> dict[str, float]:
    """The family's tokens that were traded within the repeat window, each with when, in seconds since the epoch."""
    traded = dict(family.earlier or [])
    if family.rotated_at is not None:
        traded[family.previous] = family.rotated_at.timestamp()
    oldest = (now - REPEAT_WINDOW).timestamp()
    return {token: at for token, at in traded.items() if at >= oldest}


def _revoke(family: TokenFamily) -> None:
    if TokenFamily.objects.filter(pk=family.pk, revoked_at=None).update(revoked_at=timezone.now()):
        tell_family(family.pk)


def _pair(account: Account, refresh: RefreshToken) -> TokenPair:
    return TokenPair(
        access=str(refresh.access_token),
        refresh=str(refresh),
        expires_in_seconds=int(setting("ACCESS_TOKEN_LIFETIME").total_seconds()),
        account=account,
    )
