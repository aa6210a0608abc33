"""Signed messages, as the Standard Webhooks specification has them (github.com/standard-webhooks/standard-webhooks)."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from standardwebhooks import Webhook, WebhookVerificationError

from gateway_clients.edge.errors import BadUserInputError, UnauthenticatedError

TOLERANCE_SECONDS: Final = 300
ID_MAX_LENGTH: Final = 255

ID: Final = re.compile(rf"[\x21-\x7e]{{1,{ID_MAX_LENGTH}}}\Z")
TIMESTAMP: Final = re.compile(r"[0-9]{1,12}\Z")
SIGNATURES: Final = re.compile(r"[A-Za-z0-9]+,[A-Za-z0-9+/]+={0,2}(?: [A-Za-z0-9]+,[A-Za-z0-9+/]+={0,2})*\Z")


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A message whose signature holds."""

    webhook_id: str
    body: bytes


def verified(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: Callable[[], float] = time.time
) -> SignedMessage:
    """The message, when one of the secrets has signed it.

    Raises BadUserInputError for headers that are missing, malformed or not of these minutes, UnauthenticatedError for a
    signature that is none of the secrets'.
    """
    given = {
        name: _header(headers, name, pattern)
        for name, pattern in (("webhook-id", ID), ("webhook-timestamp", TIMESTAMP), ("webhook-signature", SIGNATURES))
    }
    if abs(now() - int(given["webhook-timestamp"])) > TOLERANCE_SECONDS:
        raise BadUserInputError(errors={"webhook-timestamp": ["Must be of these five minutes."]})
    if not any(_is_signed_with(secret, given, body) for secret in secrets):
        raise UnauthenticatedError("The signature is wrong")
    return SignedMessage(given["webhook-id"], body)


def _header(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not pattern.match(value):
        raise BadUserInputError(errors={name: ["This header is missing or malformed."]})
    return value


def _is_signed_with(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        _webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    except ValueError:
        # The package's own errors do not cover what is no base64 and what is no UTF-8.
        raise BadUserInputError("The signature or the body cannot be read") from None
    return True


@lru_cache(maxsize=16)
def _webhook(secret: str) -> Webhook:
    return Webhook(secret)
