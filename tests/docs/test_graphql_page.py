"""Every snippet of the page about GraphQL is run: what it asks for is answered, and as the page says."""

import json
import re
from typing import Any, Final

import pytest

from gateway_clients.pipeline.upstreams import upstream
from tests.docs.pages import page
from tests.portal.conftest import as_, upstreams

__all__ = ["as_", "upstreams"]

FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SENT: Final = re.compile(r"--data '(\{.*?\n\})'", re.DOTALL)
SNIPPETS: Final = [(kind, text) for kind, text in FENCE.findall(page("graphql.md"))]
QUERIES: Final = [text for kind, text in SNIPPETS if kind == "graphql"]
DOCUMENTS: Final = [json.loads(text) for kind, text in SNIPPETS if kind == "json"]


def without_request_id(answer: dict[str, Any]) -> dict[str, Any]:
    for error in answer["errors"]:
        assert re.fullmatch("[0-9a-f]{32}", error["extensions"].pop("request_id"))
    return answer


def test_each_kind_of_snippet_is_run() -> None:
    assert {kind for kind, _ in SNIPPETS} == {"sh", "graphql", "json"}
    assert (len(QUERIES), len(DOCUMENTS)) == (4, 3)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split()[1])
def test_what_a_snippet_asks_for_is_answered(query: str, as_, upstreams) -> None:
    answer = as_("admin").post("/graphql", {"query": query}, content_type="application/json").json()

    assert "errors" not in answer
    assert all(answer["data"].values())


def test_the_request_by_curl_is_answered(as_, upstreams) -> None:
    (sent,) = [SENT.search(text) for kind, text in SNIPPETS if kind == "sh"]
    assert sent is not None

    answer = as_("member").post("/graphql", sent[1], content_type="application/json")

    assert answer.json()["data"] == {"memberDashboard": {"id": "m-1", "name": "Siti Rahayu"}}


def test_the_partial_answer_is_as_the_page_shows_it(as_, upstreams) -> None:
    upstream("benefit").breaker.open()

    answer = as_("member").post("/graphql", {"query": QUERIES[0]}, content_type="application/json").json()

    assert without_request_id(answer) == without_request_id(DOCUMENTS[0])


def test_a_hash_that_is_not_known_is_answered_as_the_page_shows_it(as_, upstreams) -> None:
    answer = as_("member").post("/graphql", DOCUMENTS[1], content_type="application/json").json()

    assert without_request_id(answer) == without_request_id(DOCUMENTS[2])
