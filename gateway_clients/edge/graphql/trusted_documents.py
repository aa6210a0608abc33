"""The documents that the operator trusts: a file of them, and which documents count as
one of them.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core.signals import setting_changed
from graphql import REMOVE, FieldNode, GraphQLSyntaxError, Visitor, parse, print_ast, visit

from gateway_clients.edge.graphql import guards
from gateway_clients.edge.graphql.documents import sha256_of

#: A query for the type of the root alone, which health checks of clients and gateways send.
TYPENAME_ALONE: Final = re.compile(r"\s*+(query\b\s*+\w*+\s*+)?+\{\s*+__typename\s*+\}\s*+\Z", re.ASCII)
TYPENAME: Final = "__typename"
KEY_PREFIX: Final = "sha256:"
#: How many documents a process remembers to be listed or not, and the longest of them, in characters.
MOST_REMEMBERED: Final = 500
LONGEST_REMEMBERED: Final = 16_000


@cache
def trusted_documents() -> Mapping[str, str]:
    """The documents of the file that `GRAPHQL_TRUSTED_DOCUMENTS` names: a JSON object
    of SHA-256 → document.

    Code generators write `sha256:` before the hash, or nothing. Raises ValueError for
    a file that is none, or whose hashes are not those of its documents.
    """
    if not settings.GRAPHQL_TRUSTED_DOCUMENTS:
        return {}
    listed = msgspec.json.decode(Path(settings.GRAPHQL_TRUSTED_DOCUMENTS).read_bytes(), type=dict[str, str])
    listed = {key.removeprefix(KEY_PREFIX): text for key, text in listed.items()}
    if any(sha256_of(text) != sha256 for sha256, text in listed.items()):
        raise ValueError("GRAPHQL_TRUSTED_DOCUMENTS: a key must be the SHA-256 of its document, in hex")
    return listed


def is_trusted(text: str) -> bool:
    """Whether a document is listed, apart from white space and the `__typename` that
    clients add.
    """
    trusted = trusted_documents()
    if not trusted:
        return False
    if sha256_of(text) in trusted:
        return True
    is_trusted_otherwise = _remembered if len(text) <= LONGEST_REMEMBERED else _is_trusted_without_typename
    return TYPENAME in text and is_trusted_otherwise(text)


def may_be_asked(text: str) -> bool:
    """Whether a document is executed in trusted-only mode: it is listed, or `{
    __typename }`.
    """
    return bool(TYPENAME_ALONE.match(text)) or is_trusted(text)


def _is_trusted_without_typename(text: str) -> bool:
    return _without_typename(text) in _trusted_without_typename()


_remembered: Final = lru_cache(maxsize=MOST_REMEMBERED)(_is_trusted_without_typename)


@cache
def _trusted_without_typename() -> frozenset[str]:
    return frozenset(filter(None, map(_without_typename, trusted_documents().values())))


def _without_typename(text: str) -> str | None:
    """The document in one form, whatever its white space, without `__typename`; None
    for what is no document.
    """
    try:
        node = parse(
            text,
            no_location=True,
            max_lexical_tokens=guards.MAX_TOKENS,
            max_comments=guards.MAX_TOKENS,
            max_source_length=guards.MAX_BYTES,
        )
        return print_ast(visit(node, _TypenameRemover()))
    except (GraphQLSyntaxError, RecursionError):
        return None


class _TypenameRemover(Visitor):
    """Removes the `__typename` fields that clients add: those without an alias and
    without directives.
    """

    def enter_field(self, node: FieldNode, *_: Any) -> Any:
        """Visits a field."""
        is_added = node.name.value == TYPENAME and node.alias is None and not node.directives
        return REMOVE if is_added else None


def forget(**_: object) -> None:
    """Reads the file again the next time it is asked for."""
    for known in (trusted_documents, _remembered, _trusted_without_typename):
        known.cache_clear()


setting_changed.connect(forget)
