"""The documents of one schema that a process keeps, read and checked."""

import hashlib
import threading
from collections import OrderedDict
from typing import Final

from django.conf import settings
from graphql import GraphQLSchema

from gateway_clients.edge.graphql.document import Document, checked_document
from gateway_clients.edge.graphql.errors import RequestRefusedError
from gateway_clients.edge.graphql.memory_allowance import Allowance, weight_of

#: How many bytes of documents a process keeps, with all that is kept beside them: some 200 of usual size.
MAX_KEPT_BYTES: Final = 16_000_000


class Documents:
    """The documents of one schema that were asked for last, by their text; and their
    texts by their SHA-256.

    Together with the ways through them that are kept they weigh `max_kept_bytes` at
    most.
    """

    def __init__(self, schema: GraphQLSchema, *, max_kept_bytes: int = MAX_KEPT_BYTES) -> None:
        self._schema = schema
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._allowance = Allowance(max_kept_bytes)
        self._texts: dict[str, str] = {}

    @property
    def kept_bytes(self) -> int:
        """The memory that the kept documents take, in bytes."""
        return self._allowance.kept_bytes

    def get(self, text: str, *, is_to_keep: bool = True) -> Document:
        """The document, read and checked unless that was done before. Raises
        RequestRefusedError.
        """
        with self._lock:
            document = self._kept.get(text)
            if document is not None:
                self._kept.move_to_end(text)
        if document is None:
            document = checked_document(self._schema, text)
            if is_to_keep:
                self._keep(text, document)
        if document.introspection_errors and not settings.GRAPHQL_INTROSPECTION:
            raise RequestRefusedError(document.introspection_errors)
        return document

    def has(self, text: str) -> bool:
        """Whether the document is kept."""
        return text in self._kept

    def text_of(self, sha256: str) -> str | None:
        """The text of a document that is kept."""
        return self._texts.get(sha256)

    def _keep(self, text: str, document: Document) -> None:
        """Keeps a document, and forgets the least recently used ones to make room."""
        sha256 = sha256_of(text)
        weight_bytes = weight_of(text, sha256, document)
        if weight_bytes > self._allowance.most_bytes:
            return
        with self._lock:
            if text in self._kept:
                return
            while not document.account.open(self._allowance, weight_bytes):
                oldest, forgotten = self._kept.popitem(last=False)
                forgotten.account.close()
                del self._texts[sha256_of(oldest)]
            self._kept[text] = document
            self._texts[sha256] = text


def sha256_of(text: str) -> str:
    """Returns the SHA-256 of a document in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
