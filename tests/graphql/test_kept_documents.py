"""Kept documents weigh what they hold, with the ways through them, and only those of somebody who is signed in."""

import gc
import hashlib
import itertools
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from bff_project.schema import schema
from gateway_clients.edge.graphql.documents import MAX_KEPT_BYTES, Documents, sha256_of

NAMES = "abcd"
CLAIM = "id memberId providerId claimNumber displayNumber status statusColor totalAmount formattedAmount serviceDate"
MAKERS: dict[str, Callable[[int], str]] = {
    "a small one": lambda n: f"{{ me {{ id }} a{n}: __typename }}",
    "many fields": lambda n: (
        f"query q{n} {{ "
        + " ".join(f'a{i}: memberClaims(memberId: "m-{n}", limit: 1) {{ {CLAIM} }}' for i in range(5))
        + " }"
    ),
    "many arguments": lambda n: (
        "{ "
        + " ".join(f'a{i}: claims(memberId: "m-{n}", status: paid, limit: 1, offset: 0) {{ total }}' for i in range(10))
        + " }"
    ),
    "a long comment": lambda n: f"{{ me {{ id }} }} # {n}" + "x" * 60_000,
    "fragments": lambda n: (
        f'query q{n} {{ memberDashboard(memberId: "m-1") {{ ...a recentClaims {{ ...c }} }} }} '
        f"fragment a on MemberDashboard {{ name planName }} fragment c on Claim {{ {CLAIM} provider {{ id }} }}"
    ),
}
WAYS = list(itertools.product([True, False], repeat=len(NAMES)))


def with_ways(number: int) -> str:
    """A document through which there are sixteen ways."""
    variables = ", ".join(f"${name}: Boolean!" for name in NAMES)
    fields = " ".join(f"{name}: status @include(if: ${name})" for name in NAMES)
    claims = f'memberClaims(memberId: "m-{number}", limit: 1) {{ {CLAIM} {fields} }}'
    return f"query q{number}({variables}) {{ {claims} }}"


def go_all_ways(documents: Documents, text: str) -> None:
    operation = documents.get(text).operation(None)
    for way in WAYS:
        operation.selection(dict(zip(NAMES, way, strict=True)))


def traced_bytes(work: Callable[[], Any]) -> int:
    """How much more memory Python has in use afterwards."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_document_weighs_what_it_holds(make: Callable[[int], str]) -> None:
    warm, documents = (Documents(schema.graphql_schema, max_kept_bytes=10**9) for _ in range(2))
    count = 60 if len(make(0)) < 100 else 12
    for number in range(count):
        warm.get(make(number)).operation(None).selection({})

    def fill() -> None:
        for number in range(count):
            documents.get(make(number)).operation(None).selection({})

    assert 0.7 < documents_ratio(documents, traced_bytes(fill)) < 1.7


def documents_ratio(documents: Documents, real_bytes: int) -> float:
    """What is said to be kept, by what is."""
    return documents.kept_bytes / real_bytes


def test_the_ways_through_a_document_weigh_too_and_all_stay_within_the_bound() -> None:
    warm = Documents(schema.graphql_schema)
    go_all_ways(warm, with_ways(0))
    documents = Documents(schema.graphql_schema, max_kept_bytes=500_000)

    real_bytes = traced_bytes(lambda: [go_all_ways(documents, with_ways(number)) for number in range(25)])

    assert 300_000 < documents.kept_bytes <= 500_000
    assert real_bytes < 600_000


def test_the_oldest_is_forgotten_with_its_ways_and_its_hash() -> None:
    documents = Documents(schema.graphql_schema, max_kept_bytes=200_000)
    first, *others = (with_ways(number) for number in range(30))
    go_all_ways(documents, first)
    assert documents.text_of(sha256_of(first)) == first
    for text in others:
        documents.get(text)

    assert not documents.has(first)
    assert documents.text_of(sha256_of(first)) is None
    assert documents.has(others[-1])
    assert documents.kept_bytes <= 200_000


def test_what_is_forgotten_gives_all_back() -> None:
    documents = Documents(schema.graphql_schema, max_kept_bytes=60_000)
    texts = [with_ways(number) for number in range(20)]
    forgotten = documents.get(texts[0]).operation(None)
    for text in texts[1:]:
        documents.get(text)
    before = documents.kept_bytes
    for way in WAYS:
        forgotten.selection(dict(zip(NAMES, way, strict=True)))

    assert documents.kept_bytes == before


def test_one_that_is_too_heavy_is_answered_and_not_kept() -> None:
    documents = Documents(schema.graphql_schema, max_kept_bytes=50_000)
    small, large = MAKERS["a small one"](0), MAKERS["a long comment"](0)
    documents.get(small)

    assert documents.get(large).operation(None).selection({})[0].fields
    assert (documents.has(large), documents.has(small)) == (False, True)


@pytest.fixture
def kept() -> Documents:
    """The documents of the gateway's address."""
    view: Any = resolve("/graphql").func
    documents: Documents = view.__self__.documents
    return documents


def ask(client: Client, query: str | None, **more: Any) -> dict[str, Any]:
    body = {"query": query, **more} if query is not None else more
    answer: dict[str, Any] = client.post("/graphql", body, content_type="application/json").json()
    return answer


def test_only_what_somebody_signed_in_sends_is_kept(as_, kept: Documents) -> None:
    anonymous, member = as_(None), as_("member")
    strangers, members = "{ strangers: __typename }", "{ members: __typename }"
    before = kept.kept_bytes
    for number in range(20):
        assert "data" in ask(anonymous, f"{{ a{number}: __typename }}")
    ask(anonymous, strangers)
    assert (kept.kept_bytes, kept.has(strangers)) == (before, False)

    ask(member, members)
    assert kept.has(members)
    assert kept.kept_bytes > before
    assert ask(anonymous, members) == {"data": {"members": "Query"}}


def test_a_strangers_persisted_query_is_answered_and_not_remembered(as_) -> None:
    query = "{ persistedByAStranger: __typename }"
    given = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}

    assert ask(as_(None), query, extensions=given) == {"data": {"persistedByAStranger": "Query"}}
    again = ask(as_("member"), None, extensions=given)
    assert again["errors"][0]["message"] == "PersistedQueryNotFound"


def test_a_trusted_document_is_kept_for_everybody(as_, kept: Documents, tmp_path, settings) -> None:
    query = "{ trustedAndKept: __typename }"
    listed = tmp_path / "trusted.json"
    listed.write_text(f'{{"{sha256_of(query)}": "{query}"}}')
    settings.GRAPHQL_TRUSTED_DOCUMENTS = str(listed)
    ask(as_(None), query)

    assert kept.has(query)


def test_what_a_process_keeps_leaves_it_within_its_memory() -> None:
    assert MAX_KEPT_BYTES <= 20_000_000
