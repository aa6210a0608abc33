"""Access and refresh tokens: HS256, each kind with secrets of its own; the first signs, all verify."""

from datetime import timedelta
from functools import cache
from typing import Any, ClassVar, Final, Self

import jwt
from django.conf import settings
from django.core.signals import setting_changed
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken, TokenError
from rest_framework_simplejwt.tokens import Token

from members.models import TokenFamily

ALGORITHM: Final = "HS256"
LEEWAY: Final = timedelta(seconds=30)
REQUIRED_CLAIMS: Final = ("sub", "sid", "iss", "aud", "iat", "exp", "jti", "token_type")


class SecretRing(TokenBackend):
    """Signs with the first secret, verifies with any."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__(
            ALGORITHM,
            signing_key=secrets[0],
            audience=settings.JWT_AUDIENCE,
            issuer=settings.JWT_ISSUER,
            leeway=LEEWAY,
        )
        algorithm = jwt.get_algorithm_by_name(ALGORITHM)
        self.secrets = tuple(algorithm.prepare_key(secret) for secret in secrets)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims, all required ones among them. Raises TokenBackendError, also for what is no token at all."""
        if not verify:
            raise TokenBackendError("Tokens are always verified")
        for secret in self.secrets:
            try:
                return jwt.decode(
                    token,
                    secret,
                    algorithms=[ALGORITHM],
                    audience=self.audience,
                    issuer=self.issuer,
                    leeway=LEEWAY,
                    options={"require": list(REQUIRED_CLAIMS)},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError as error:
                raise TokenBackendExpiredToken("Token is expired") from error
            except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as error:
                raise TokenBackendError("Token is invalid") from error
        raise TokenBackendError("Token is invalid")


@cache
def ring(secrets_setting: str) -> SecretRing:
    """The secrets of one kind of token."""
    return SecretRing(tuple(getattr(settings, secrets_setting)))


def forget(**_: object) -> None:
    """Read the secrets anew the next time they are asked for."""
    ring.cache_clear()


setting_changed.connect(forget)


class FamilyToken(Token):
    """A token of a family. Raises TokenError for a text that is not a whole and valid one of its kind."""

    secrets_setting: ClassVar[str]
    lifetime_setting: ClassVar[str]

    def __init__(self, token: Any = None, verify: bool = True) -> None:
        self.lifetime = getattr(settings, self.lifetime_setting)
        super().__init__(token, verify)

    def get_token_backend(self) -> SecretRing:
        """The secrets of this kind."""
        return ring(self.secrets_setting)

    def verify(self) -> None:
        """PyJWT checked the times and the presence of every claim; the kind and the claims' types are left."""
        self.verify_token_type()
        if not all(isinstance(self.payload[claim], str) for claim in ("sub", "sid", "jti")):
            raise TokenError("Token is invalid")

    @classmethod
    def of(cls, family: TokenFamily) -> Self:
        """A new token of the family."""
        token = cls()
        token["sub"] = str(family.account_id)
        token["sid"] = family.id.hex
        return token


class AccessToken(FamilyToken):
    """What a portal sends with each request."""

    token_type = "access"  # noqa: S105 - a kind of token, no secret
    secrets_setting = "JWT_SECRET"
    lifetime_setting = "JWT_EXPIRATION"


class RefreshToken(FamilyToken):
    """What a portal trades once for a new pair."""

    token_type = "refresh"  # noqa: S105 - a kind of token, no secret
    secrets_setting = "REFRESH_TOKEN_SECRET"
    lifetime_setting = "REFRESH_TOKEN_EXPIRATION"
