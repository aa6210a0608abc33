"""Signed messages, as the Standard Webhooks specification has them (github.com/standard-webhooks/standard-webhooks)."""

import base64
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from standardwebhooks import Webhook, WebhookVerificationError

from gateway_clients.edge.errors import BadUserInputError, WrongSignatureError

TOLERANCE_SECONDS: Final = 300
ID_MAX_LENGTH: Final = 255
SIGNATURE: Final = "webhook-signature"

ID: Final = re.compile(rf"[\x21-\x7e]{{1,{ID_MAX_LENGTH}}}\Z")
TIMESTAMP: Final = re.compile(r"[0-9]{1,12}\Z")
#: The one version whose signatures are compared: HMAC-SHA256 with a shared secret, in base64.
VERSION: Final = "v1"
VERSIONS: Final = re.compile(r"[A-Za-z0-9]{1,16}\Z")


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A message whose signature holds."""

    webhook_id: str
    body: bytes


def verified(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: Callable[[], float] = time.time
) -> SignedMessage:
    """The message, when one of the secrets has signed it.

    One good signature is enough: those of other versions, and broken ones beside others, count for nothing. Raises
    BadUserInputError for headers that are missing, malformed or not of these minutes, WrongSignatureError for a
    signature that is none of the secrets'.
    """
    given = {
        "webhook-id": _header(headers, "webhook-id", ID),
        "webhook-timestamp": _header(headers, "webhook-timestamp", TIMESTAMP),
        SIGNATURE: " ".join(_comparable(headers.get(SIGNATURE, ""))),
    }
    if abs(now() - int(given["webhook-timestamp"])) > TOLERANCE_SECONDS:
        raise BadUserInputError(errors={"webhook-timestamp": ["Must be of these five minutes."]})
    if not any(_is_signed_with(secret, given, body) for secret in secrets):
        raise WrongSignatureError
    return SignedMessage(given["webhook-id"], body)


def _header(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not pattern.match(value):
        raise _malformed(name)
    return value


def _malformed(name: str) -> BadUserInputError:
    return BadUserInputError(errors={name: ["This header is missing or malformed."]})


def _comparable(header: str) -> list[str]:
    """The signatures that can be compared. Raises BadUserInputError when the header holds nothing but broken ones."""
    comparable: list[str] = []
    are_all_broken = True
    for entry in header.split():
        version, comma, signature = entry.partition(",")
        is_whole = bool(comma and signature) and VERSIONS.match(version) is not None
        if is_whole and version == VERSION:
            is_whole = _is_base64(signature)
            comparable += [entry] if is_whole else []
        are_all_broken &= not is_whole
    if are_all_broken:
        raise _malformed(SIGNATURE)
    return comparable


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def _is_signed_with(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        _webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    except ValueError:
        # The package's own errors do not cover what is no UTF-8.
        raise BadUserInputError("The body cannot be read") from None
    return True


@lru_cache(maxsize=16)
def _webhook(secret: str) -> Webhook:
    return Webhook(secret)
