"""The base of the typed clients: their methods say what to ask, as `Call` values; nothing is sent here."""

import datetime
import hmac
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote, quote_plus

import msgspec

from gateway_clients.caching.keys import CacheKey
from gateway_clients.encryption import derived_key
from gateway_clients.pipeline.call import Call
from gateway_clients.services.payload_parser import Parser

P = TypeVar("P")

#: What percent-encoding leaves as it is (RFC 3986, 2.3: unreserved).
PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]+")

DIGEST_PURPOSE: Final = "words in cache keys"
#: Hexadecimal digits: 128 bits, so that no two searches meet.
DIGEST_LENGTH: Final = 32

#: Items that a sample of a list asks for.
SAMPLE_ITEMS: Final = 20

#: Query parameters; those that are None are left out.
Query = Mapping[str, str | int | bool | datetime.date | None]


class Service:
    """The typed client of one upstream: one method for each operation of its contract; each returns a `Call`."""

    name: ClassVar[str]

    def sample(self, member_id: str) -> Call[Any]:
        """Returns the read that the doctor tries, about this member where the upstream's answers are about one."""
        raise NotImplementedError

    def _read(
        self,
        operation: str,
        path: tuple[str, ...],
        parse: Parser[P],
        *,
        query: Query | None = None,
        key: CacheKey | None = None,
    ) -> Call[P]:
        return Call(
            service=self.name,
            operation=operation,
            target=target_of(path, query),
            parse=parse,
            payload_type=parse.payload_type,
            key=None if key is None else key.shaped(parse.shape),
        )

    def _ask(self, operation: str, path: tuple[str, ...], parse: Parser[P], question: object) -> Call[P]:
        return Call(
            service=self.name,
            operation=operation,
            target=target_of(path),
            parse=parse,
            payload_type=parse.payload_type,
            method="POST",
            body=msgspec.json.encode(question),
            content_type="application/json",
        )

    def _write(
        self,
        operation: str,
        path: tuple[str, ...],
        parse: Parser[P],
        *,
        body: object = None,
        method: str = "POST",
        query: Query | None = None,
        idempotency_key: str | None = None,
    ) -> Call[P]:
        return Call(
            service=self.name,
            operation=operation,
            target=target_of(path, query),
            parse=parse,
            payload_type=parse.payload_type,
            method=method,
            body=None if body is None else msgspec.json.encode(body),
            content_type=None if body is None else "application/json",
            idempotency_key=idempotency_key,
            is_repeatable=False,
        )


def target_of(path: tuple[str, ...], query: Query | None = None) -> str:
    """The encoded path with its query; each segment is percent-encoded, values that are None are left out."""
    encoded = "/" + "/".join([encode_segment(segment) for segment in path])
    parameters = _parameters(query)
    return f"{encoded}?{parameters}" if parameters else encoded


def encode_segment(text: str) -> str:
    """Percent-encoded, also what a path could be split at."""
    return text if PLAIN.fullmatch(text) else quote(text, safe="")


def representation_of(name: str, query: Query | None = None) -> str:
    """Returns the name of a cached answer within its subject: its representation and parameters, `list:limit=5`."""
    parameters = _parameters(query)
    return f"{name}:{parameters}" if parameters else name


def digest_of(words: str) -> str:
    """Stands for words that somebody typed where they must not be read, such as in a key; only this gateway can tell.

    Digests without a key would be read by trying all words.
    """
    return hmac.digest(derived_key(DIGEST_PURPOSE), words.encode(), "sha256").hex()[:DIGEST_LENGTH]


def _parameters(query: Query | None) -> str:
    if not query:
        return ""
    return "&".join([f"{name}={_encoded(value)}" for name, value in query.items() if value is not None])


def _encoded(value: str | int | bool | datetime.date) -> str:
    """Percent-encoded. Most values are ids and numbers, which need no look at each character in Python."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if PLAIN.fullmatch(text) else quote_plus(text)
