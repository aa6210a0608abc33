"""The life of a token family: begun by a sign-in, rotated by each refresh, ended by a logout or a stolen token."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from gateway_clients.edge.errors import TokenAlreadyRotatedError, TokenExpiredError, UnauthenticatedError
from members.models import Account, TokenFamily
from members.tokens import AccessToken, RefreshToken

#: A refresh token that is used again this soon was not stolen: two tabs of one portal refreshed at once.
REPEAT_WINDOW: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a sign-in or a refresh gives. `expires_in_seconds` is the access token's."""

    access: str
    refresh: str
    expires_in_seconds: int
    account: Account


def begin(account: Account) -> TokenPair:
    """A new family, and its first tokens. The account's expired families go."""
    now = timezone.now()
    TokenFamily.objects.filter(account=account, expires_at__lt=now).delete()
    family = TokenFamily(account=account, epoch=account.token_epoch, expires_at=now + settings.REFRESH_TOKEN_EXPIRATION)
    refresh = RefreshToken.of(family)
    family.current = refresh["jti"]
    family.save(force_insert=True)
    return _pair(family, refresh)


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
    is_winner = TokenFamily.objects.filter(pk=family.pk, current=token["jti"], revoked_at=None).update(
        current=refresh["jti"],
        previous=token["jti"],
        rotated_at=now,
        earlier=list(_traded_lately(family, now).items()),
        expires_at=now + settings.REFRESH_TOKEN_EXPIRATION,
    )
    if is_winner:
        return _pair(family, refresh)
    try:
        family.refresh_from_db(fields=["previous", "rotated_at", "earlier", "revoked_at"])
    except TokenFamily.DoesNotExist:
        raise UnauthenticatedError from None
    if family.revoked_at is None and token["jti"] in _traded_lately(family, timezone.now()):
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
        family_id = uuid.UUID(hex=token["sid"])
    except ValueError:
        return None
    return TokenFamily.objects.select_related("account").filter(pk=family_id).first()


def _traded_lately(family: TokenFamily, now: datetime) -> dict[str, float]:
    """The family's tokens that were traded within the repeat window, each with when, in seconds since the epoch."""
    traded = dict(family.earlier or [])
    if family.rotated_at is not None:
        traded[family.previous] = family.rotated_at.timestamp()
    oldest = (now - REPEAT_WINDOW).timestamp()
    return {token: at for token, at in traded.items() if at >= oldest}


def _revoke(family: TokenFamily) -> None:
    TokenFamily.objects.filter(pk=family.pk, revoked_at=None).update(revoked_at=timezone.now())


def _pair(family: TokenFamily, refresh: RefreshToken) -> TokenPair:
    access = AccessToken.of(family)
    return TokenPair(
        access=str(access),
        refresh=str(refresh),
        expires_in_seconds=int(settings.JWT_EXPIRATION.total_seconds()),
        account=family.account,
    )
