"""System checks of the keys that tokens are signed with."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from members.signing_keys import ES256, SigningKeyError, pem_keys


@register(Tags.security)
def check_private_keys(**_given: Any) -> Sequence[CheckMessage]:
    """Whether there is a key to sign with, where tokens are signed with private keys."""
    if settings.JWT_ALGORITHM != ES256:
        return []
    if not settings.JWT_PRIVATE_KEYS:
        return [Error("JWT_PRIVATE_KEYS must name a PEM file where JWT_ALGORITHM is ES256.", id="members.E001")]
    try:
        pem_keys(settings.JWT_PRIVATE_KEYS)
    except SigningKeyError as error:
        return [Error(f"JWT_PRIVATE_KEYS: {error}.", id="members.E002")]
    return []
