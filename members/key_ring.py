"""The keys of one kind of token as simplejwt's token backend: the first signs, all verify."""

import base64
import re
from collections.abc import Sequence
from typing import Any, Final

import jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken

from members.signing_keys import SigningKey
from members.token_settings import setting

#: A token in JWS compact serialization, and what its header may say: nothing that would have a key looked for.
COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
HEADER_NAMES: Final = frozenset({"alg", "typ", "kid"})


class KeyRing(TokenBackend):
    """Signs with the first key, verifies with any; with the one that the token names, where it names one."""

    def __init__(self, algorithm: str, keys: Sequence[SigningKey]) -> None:
        super().__init__(
            algorithm,
            signing_key=keys[0].signing,
            verifying_key=keys[0].verifying,
            audience=setting("AUDIENCE"),
            issuer=setting("ISSUER"),
            leeway=setting("LEEWAY"),
            json_encoder=setting("JSON_ENCODER"),
        )
        prepare = jwt.get_algorithm_by_name(algorithm).prepare_key
        self.kid, self.signing = keys[0].kid, keys[0].signing
        self.keys = {key.kid: prepare(key.verifying) for key in keys}
        self.required = [
            setting("USER_ID_CLAIM"),
            "sid",
            *(name for name, value in (("iss", self.issuer), ("aud", self.audience)) if value is not None),
            "iat",
            "exp",
            setting("JTI_CLAIM"),
            setting("TOKEN_TYPE_CLAIM"),
        ]

    def encode(self, payload: dict[str, Any]) -> str:
        """The token, which names its key."""
        claims = dict(payload)
        for name, value in (("aud", self.audience), ("iss", self.issuer)):
            if value is not None:
                claims[name] = value
        return jwt.encode(
            claims,
            self.signing,
            algorithm=self.algorithm,
            headers={"kid": self.kid},
            json_encoder=self.json_encoder,
        )

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims, all required ones among them. Raises TokenBackendError, also for what is no token at all."""
        if not verify:
            raise TokenBackendError("Tokens are always verified")
        for key in self._candidates(token):
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[self.algorithm],
                    audience=self.audience,
                    issuer=self.issuer,
                    leeway=self.get_leeway(),
                    options={"require": self.required, "verify_aud": self.audience is not None},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError as error:
                raise TokenBackendExpiredToken("Token is expired") from error
            except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as error:
                raise TokenBackendError("Token is invalid") from error
        raise TokenBackendError("Token is invalid")

    def _candidates(self, token: Any) -> list[Any]:
        """The keys that may have signed it. Raises TokenBackendError for what this ring has not written."""
        text = token.decode("ascii", "replace") if isinstance(token, bytes) else token
        if not isinstance(text, str) or not COMPACT.match(text) or not all(map(is_canonical, text.split("."))):
            raise TokenBackendError("Token is invalid")
        try:
            header = jwt.get_unverified_header(text)
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as error:
            raise TokenBackendError("Token is invalid") from error
        if header.keys() - HEADER_NAMES or header.get("alg") != self.algorithm:
            raise TokenBackendError("Token is invalid")
        kid = header.get("kid")
        if kid is None:
            return list(self.keys.values())
        return [self.keys[kid]] if kid in self.keys else []


def is_canonical(part: str) -> bool:
    """Whether it is the one way to write its bytes in base64url: no other text stands for the same token."""
    padded = part + "=" * (-len(part) % 4)
    try:
        return base64.urlsafe_b64encode(base64.urlsafe_b64decode(padded)).decode() == padded
    except ValueError:
        return False
