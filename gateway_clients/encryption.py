"""Entries as bytes: encrypted with AES-GCM where keys are set, with the entry's name and subject bound in."""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
PLAIN: Final = b"\x00"
SEALED: Final = b"\x01"
KEY_ID_BYTES: Final = 4


class UnsealableError(ValueError):
    """The bytes were not sealed by this gateway for this name, or not with a key that it still has."""


class Sealer(Protocol):
    """Turns a value into what is kept, and back. `name` is bound in: a value moved to another name does not open."""

    def seal(self, name: str, value: bytes) -> bytes: ...
    def open(self, name: str, sealed: bytes) -> bytes: ...


class PlainSealer:
    """Keeps values as they are, for development."""

    def seal(self, name: str, value: bytes) -> bytes:
        """The value behind a mark."""
        return PLAIN + value

    def open(self, name: str, sealed: bytes) -> bytes:
        """The value. Raises UnsealableError for anything else."""
        if sealed[:1] != PLAIN:
            raise UnsealableError
        return sealed[1:]


@dataclass(frozen=True, slots=True)
class AesGcmSealer:
    """AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; the first key encrypts, all decrypt."""

    keys: tuple[tuple[bytes, AESGCM], ...]
    random: Callable[[int], bytes] = os.urandom

    @classmethod
    def of(cls, secrets: Sequence[bytes]) -> "AesGcmSealer":
        """A sealer of 32-byte keys."""
        return cls(tuple((hashlib.sha256(secret).digest()[:KEY_ID_BYTES], AESGCM(secret)) for secret in secrets))

    def seal(self, name: str, value: bytes) -> bytes:
        """Encrypts a value."""
        key_id, cipher = self.keys[0]
        nonce = self.random(NONCE_BYTES)
        return b"".join((SEALED, key_id, nonce, cipher.encrypt(nonce, value, name.encode())))

    def open(self, name: str, sealed: bytes) -> bytes:
        """The value. Raises UnsealableError."""
        key_id, rest = sealed[1 : 1 + KEY_ID_BYTES], sealed[1 + KEY_ID_BYTES :]
        cipher = next((cipher for known, cipher in self.keys if known == key_id), None)
        if sealed[:1] != SEALED or cipher is None:
            raise UnsealableError
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise UnsealableError from error


def fingerprint(secret: bytes) -> str:
    """The name of a key or secret, which tells nothing of it: the first bytes of its SHA-256, in hexadecimal."""
    return hashlib.sha256(secret).digest()[:KEY_ID_BYTES].hex()


def key_from_text(text: str) -> bytes:
    """A key from base64. Raises ImproperlyConfigured when it is not 32 bytes."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured("each of CACHE_ENCRYPTION_KEYS must be base64 of 32 bytes")
    return key


@lru_cache(maxsize=4)
def _sealer_of(texts: tuple[str, ...]) -> Sealer:
    return AesGcmSealer.of([key_from_text(text) for text in texts]) if texts else PlainSealer()


@lru_cache(maxsize=16)
def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)


def derived_key(purpose: str) -> bytes:
    """A key for that purpose alone (HKDF, RFC 5869), of the key that encrypts; without one of Django's secret key."""
    texts = settings.CACHE_ENCRYPTION_KEYS
    return _derived(key_from_text(texts[0]) if texts else settings.SECRET_KEY.encode(), purpose)


def sealer() -> Sealer:
    """The sealer that the settings ask for."""
    return _sealer_of(tuple(settings.CACHE_ENCRYPTION_KEYS))
