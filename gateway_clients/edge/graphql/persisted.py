"""Documents by their hash: those that were sent before (automatic persisted queries), and those that are trusted."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core.signals import setting_changed

from gateway_clients.edge.graphql.documents import Documents, sha256_of
from gateway_clients.edge.graphql.errors import RequestRefusedError

SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
NAMED: Final = re.compile(rb'"sha256Hash"\s*:\s*"([0-9a-f]{64})"')
WRITE: Final = b"mutation"


def requested_text(documents: Documents, text: str | None, extensions: Mapping[str, Any]) -> str:
    """The document that a request means: as sent, by the hash of one that was sent before, or by that of a trusted one.

    Raises RequestRefusedError; that a hash is not known is told as the protocol of persisted queries wants it.
    """
    persisted = extensions.get("persistedQuery")
    sha256 = persisted.get("sha256Hash") if isinstance(persisted, Mapping) else None
    if persisted is not None and not (isinstance(sha256, str) and SHA256.match(sha256)):
        raise RequestRefusedError(["extensions.persistedQuery must have a sha256Hash in hex."], is_transport=True)
    if text is None:
        if sha256 is None:
            raise RequestRefusedError(["The parameter query must be a string."], is_transport=True)
        text = trusted_documents().get(sha256) or documents.text_of(sha256)
        if text is None:
            raise RequestRefusedError(["PersistedQueryNotFound"], code="persisted_query_not_found", status=200)
    elif sha256 is not None and sha256_of(text) != sha256:
        raise RequestRefusedError(["The query is not the one whose hash was given."], is_transport=True)
    if settings.GRAPHQL_TRUSTED_ONLY and not is_trusted(text):
        raise RequestRefusedError(
            ["Only trusted documents are answered."], code="forbidden", status=403, is_transport=True
        )
    return text


def is_trusted(text: str) -> bool:
    """Whether it is one of the trusted documents."""
    trusted = trusted_documents()
    return bool(trusted) and sha256_of(text) in trusted


def may_write(body: bytes) -> bool:
    """Whether the body of a request may hold a mutation, or the hash of a trusted document with one; not parsed."""
    if WRITE in body:
        return True
    named = NAMED.search(body) if settings.GRAPHQL_TRUSTED_DOCUMENTS else None
    return named is not None and WRITE.decode() in trusted_documents().get(named[1].decode(), "")


@cache
def trusted_documents() -> Mapping[str, str]:
    """The documents of the file that `GRAPHQL_TRUSTED_DOCUMENTS` names: a JSON object of SHA-256 → document.

    Raises ValueError for a file that is none, or whose hashes are not those of its documents.
    """
    if not settings.GRAPHQL_TRUSTED_DOCUMENTS:
        return {}
    listed = msgspec.json.decode(Path(settings.GRAPHQL_TRUSTED_DOCUMENTS).read_bytes(), type=dict[str, str])
    if any(sha256_of(text) != sha256 for sha256, text in listed.items()):
        raise ValueError("GRAPHQL_TRUSTED_DOCUMENTS: a key must be the SHA-256 of its document, in hex")
    return listed


def forget(**_: object) -> None:
    """Read the file anew the next time it is asked for."""
    trusted_documents.cache_clear()


setting_changed.connect(forget)
