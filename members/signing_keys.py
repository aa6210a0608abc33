"""The keys that tokens are signed with, each with the name (`kid`) by which a token says which one it was."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway_clients.encryption import fingerprint

#: The one algorithm with keys that others can verify with, and the ones with shared secrets.
ES256: Final = "ES256"
HS256: Final = "HS256"


class SigningKeyError(Exception):
    """A file is no key that can sign. The message names the file and never quotes it."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. `jwk`: what others verify with (RFC 7517); None for a secret."""

    kid: str
    signing: Any
    verifying: Any
    jwk: dict[str, str] | None = None


def secret_keys(secrets: Sequence[str]) -> tuple[SigningKey, ...]:
    """Shared secrets as keys."""
    return tuple(SigningKey(fingerprint(text.encode()), text.encode(), text.encode()) for text in secrets)


def pem_keys(paths: Sequence[str]) -> tuple[SigningKey, ...]:
    """The private keys in PEM files, for ES256. Raises SigningKeyError."""
    return tuple(map(_pem_key, paths))


def _pem_key(path: str) -> SigningKey:
    try:
        key = load_pem_private_key(Path(path).read_bytes(), password=None)
    except OSError as error:
        raise SigningKeyError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyError(f"{path} is no private key in PEM without a password") from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise SigningKeyError(f"{path} is no key of the curve P-256")
    numbers = key.public_key().public_numbers()
    point = {"crv": "P-256", "kty": "EC", "x": _base64url(numbers.x), "y": _base64url(numbers.y)}
    # RFC 7638: the digest of the required members alone, in their order.
    digest = hashlib.sha256(json.dumps(point, separators=(",", ":"), sort_keys=True).encode()).digest()
    kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return SigningKey(kid, key, key.public_key(), {**point, "kid": kid, "use": "sig", "alg": ES256})


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()
