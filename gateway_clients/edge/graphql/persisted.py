"""Documents that a request names by their hash: automatic persisted queries and trusted
documents.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings

from gateway_clients.edge.graphql.documents import Documents, sha256_of
from gateway_clients.edge.graphql.errors import RequestRefusedError
from gateway_clients.edge.graphql.shared_documents import shared_documents
from gateway_clients.edge.graphql.trusted_documents import may_be_asked, trusted_documents

SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
NAMED: Final = re.compile(rb'"sha256Hash"\s*:\s*"([0-9a-f]{64})"')
WRITE: Final = b"mutation"


def requested_sha256(extensions: Mapping[str, Any]) -> str | None:
    """The hash that a request gives of its document. Raises RequestRefusedError for
    what is none.
    """
    persisted = extensions.get("persistedQuery")
    sha256 = persisted.get("sha256Hash") if isinstance(persisted, Mapping) else None
    if persisted is not None and not (isinstance(sha256, str) and SHA256.match(sha256)):
        raise RequestRefusedError(["extensions.persistedQuery must have a sha256Hash in hex."], is_transport=True)
    return sha256


def requested_text(documents: Documents, text: str | None, sha256: str | None, admit: Callable[[], None]) -> str:
    """The document that a request means: as sent, or by the hash of one that is trusted
    or was sent before.

    `admit` is called before Redis is asked. Raises RequestRefusedError; that a hash is
    not known is told as the protocol of persisted queries wants it.
    """
    if text is None:
        if sha256 is None:
            raise RequestRefusedError(["The parameter query must be a string."], is_transport=True)
        text = trusted_documents().get(sha256) or documents.text_of(sha256)
        if text is None:
            admit()
            text = shared_documents().text_of(sha256)
        if text is None:
            raise RequestRefusedError(["PersistedQueryNotFound"], code="persisted_query_not_found", status=200)
    elif sha256 is not None and sha256_of(text) != sha256:
        raise RequestRefusedError(["The query is not the one whose hash was given."], is_transport=True)
    if settings.GRAPHQL_TRUSTED_ONLY and not may_be_asked(text):
        raise RequestRefusedError(
            ["Only trusted documents are answered."], code="forbidden", status=403, is_transport=True
        )
    return text


def may_write(body: bytes) -> bool:
    """Whether a body may contain a mutation, or the hash of a trusted document with
    one. The body is not parsed.
    """
    if WRITE in body:
        return True
    named = NAMED.search(body) if settings.GRAPHQL_TRUSTED_DOCUMENTS else None
    return named is not None and WRITE.decode() in trusted_documents().get(named[1].decode(), "")
