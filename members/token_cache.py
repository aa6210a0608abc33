"""Access tokens whose signature was checked a moment ago: to check it again would cost as much as all the rest."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.core.signals import setting_changed

from members.tokens import AccessToken, leeway

MAX_KEPT: Final = 2048


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says. It is the family, looked up each time, that says whether it still holds."""

    account_id: str
    family_id: uuid.UUID
    expires_at: int


class VerifiedTokens:
    """TokenClaims by the token's text, for as long as the token lives."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, TokenClaims] = {}
        self._leeway_seconds = 0.0

    def claims_of(self, text: str) -> TokenClaims:
        """The claims of an access token.

        Raises TokenError for a text that is none, or is no longer one, and ValueError when its `sid` is no family's.
        """
        kept = self._kept.get(text)
        if kept is not None and self._clock() < kept.expires_at + self._leeway_seconds:
            return kept
        self._kept.pop(text, None)
        token = AccessToken(text)
        claims = TokenClaims(account_id=token.account_id, family_id=token.family_id, expires_at=int(token["exp"]))
        if len(self._kept) >= MAX_KEPT:
            self.forget()
        self._leeway_seconds = leeway().total_seconds()
        self._kept[text] = claims
        return claims

    def forget(self, **_: object) -> None:
        """Check every signature anew."""
        self._kept = {}


VERIFIED: Final = VerifiedTokens()

setting_changed.connect(VERIFIED.forget)
