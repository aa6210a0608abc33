"""Access and refresh tokens: simplejwt's, of a family, each kind with keys of its own; the first signs, all verify.

What `SIMPLE_JWT` says holds: lifetimes, leeway, algorithm of access tokens (one with a secret, or ES256, whose public
keys others can verify with), issuer, audience and names of claims. The keys are not there, because each kind of token
has several.
Refresh tokens, which nobody but the gateway reads, are always HS256.
"""

import uuid
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.signals import setting_changed
from django.utils import timezone
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.exceptions import TokenError

from members.device import Device
from members.key_ring import KeyRing
from members.models import TokenFamily
from members.signing_keys import ES256, HS256, SigningKey, pem_keys, secret_keys
from members.token_settings import setting


@cache
def ring(secrets_setting: str) -> KeyRing:
    """The keys of one kind of token. Raises SigningKeyError."""
    algorithm = setting("ALGORITHM") if secrets_setting == AccessToken.secrets_setting else HS256
    if algorithm == ES256:
        return KeyRing(ES256, access_keys())
    return KeyRing(algorithm, secret_keys(getattr(settings, secrets_setting)))


def keys_in_use() -> tuple[str, str]:
    """The names of the keys that new refresh and access tokens are signed with."""
    return ring(RefreshToken.secrets_setting).kid, ring(AccessToken.secrets_setting).kid


def access_keys() -> tuple[SigningKey, ...]:
    """Those that access tokens are signed with. Raises SigningKeyError."""
    if setting("ALGORITHM") == ES256:
        return pem_keys(settings.JWT_PRIVATE_KEYS)
    return secret_keys(settings.JWT_SECRET)


def leeway() -> timedelta:
    """How long a token is taken after its end."""
    return ring(AccessToken.secrets_setting).get_leeway()


def forget(**_: object) -> None:
    """Read the secrets anew the next time they are asked for."""
    ring.cache_clear()


setting_changed.connect(forget)


class FamilyToken(tokens.Token):
    """A token of a family. Raises TokenError for a text that is not a whole and valid one of its kind."""

    secrets_setting: ClassVar[str]
    lifetime_setting: ClassVar[str]

    def __init__(self, token: Any = None, verify: bool = True) -> None:
        self.lifetime = setting(self.lifetime_setting)
        super().__init__(token, verify)

    def get_token_backend(self) -> KeyRing:
        """The secrets of this kind."""
        return ring(self.secrets_setting)

    def verify(self) -> None:
        """As simplejwt does; and the claims that are ids must be texts."""
        super().verify()
        if not all(isinstance(self.payload[claim], str) for claim in (setting("USER_ID_CLAIM"), "sid", self.jti_claim)):
            raise TokenError("Token is invalid")

    @property
    def jti_claim(self) -> str:
        """Returns the name of the claim with the token's unique id."""
        return str(setting("JTI_CLAIM"))

    @property
    def account_id(self) -> str:
        """The id of the account."""
        return str(self.payload[setting("USER_ID_CLAIM")])

    @property
    def family_id(self) -> uuid.UUID:
        """Of which family it is. Raises ValueError for a `sid` that is no family's."""
        return uuid.UUID(hex=self.payload["sid"])

    @property
    def jti(self) -> str:
        """The unique id of the token."""
        return str(self.payload[self.jti_claim])

    @classmethod
    def of(cls, family: TokenFamily) -> Self:
        """A new token of the family."""
        token = cls()
        token[setting("USER_ID_CLAIM")] = str(family.account_id)
        token["sid"] = family.id.hex
        return token

    @classmethod
    def for_user(cls, user: Any) -> Self:
        """The first token of a new family of an account."""
        return cls.for_device(user, Device())

    @classmethod
    def for_device(cls, user: Any, device: Device) -> Self:
        """The same, with what is known of the device that signs in."""
        family = TokenFamily(
            account=user,
            epoch=user.token_epoch,
            address=device.address,
            user_agent=device.user_agent,
            expires_at=timezone.now() + setting("REFRESH_TOKEN_LIFETIME"),
        )
        token = cls.of(family)
        family.current = token.jti
        family.refresh_key, family.access_key = keys_in_use()
        family.save(force_insert=True)
        return token


class AccessToken(FamilyToken, tokens.AccessToken):
    """What a portal sends with each request."""

    secrets_setting = "JWT_SECRET"
    lifetime_setting = "ACCESS_TOKEN_LIFETIME"


class RefreshToken(FamilyToken, tokens.RefreshToken):
    """What a portal trades once for a new pair. `access_token` is one of the same family."""

    secrets_setting = "REFRESH_TOKEN_SECRET"
    lifetime_setting = "REFRESH_TOKEN_LIFETIME"
    access_token_class = AccessToken
