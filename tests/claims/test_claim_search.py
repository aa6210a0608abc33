"""A claim is found by its number among the newest that can be listed, over REST and GraphQL."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.portal.conftest import as_
from tests.support.answering import LATE, AnsweringUpstreams, Asked
from tests.upstream_answers import CLAIM

__all__ = ["as_"]

QUERY = "query($n: String!) { claims(claimNumber: $n) { total hasMore claims { id claimNumber } meta { complete } } }"


@pytest.fixture
def listing(upstreams: AnsweringUpstreams):
    def use(count: int, *, says_total: bool = True) -> None:
        """The claims service has so many claims, numbered from the newest: `n-0`, `n-1` and so on."""

        def answer(asked: Asked) -> dict[str, Any]:
            query = query_of(asked)
            offset = int(query.get("offset", "0"))
            numbers = range(offset, min(offset + int(query["limit"]), count))
            items = [CLAIM | {"id": f"clm-{n}", "claim_number": f"n-{n}"} for n in numbers]
            return {"items": items, "total": count if says_total else None}

        upstreams.answers["listClaims"] = answer

    return use


def query_of(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(asked.target).query).items()}


def offsets(upstreams: AnsweringUpstreams) -> list[int]:
    """The offsets of the pages that were asked for."""
    return [int(query_of(asked).get("offset", "0")) for asked in upstreams.asked]


def search(client: Any, number: str) -> tuple[Any, Any]:
    over_rest = client.get("/api/v1/claims", {"claim_number": number}).json()
    over_graphql = client.post(
        "/graphql", {"query": QUERY, "variables": {"n": number}}, content_type="application/json"
    ).json()["data"]["claims"]
    return over_rest, over_graphql


@pytest.mark.parametrize("number", ["n-42", "CLM-n-42"])
def test_a_claim_on_the_newest_page_is_found_with_one_call(number: str, as_, upstreams, listing) -> None:
    listing(5_000)

    rest, graphql = search(as_("admin"), number)

    assert [claim["id"] for claim in rest["claims"]] == ["clm-42"]
    assert (rest["total"], rest["has_more"], rest["meta"]["complete"]) == (1, False, True)
    assert graphql == {
        "total": 1,
        "hasMore": False,
        "claims": [{"id": "clm-42", "claimNumber": "n-42"}],
        "meta": {"complete": True},
    }
    assert offsets(upstreams) == [0, 0]


def test_an_older_one_is_found_on_the_pages_behind_it(as_, upstreams, listing) -> None:
    listing(250)

    rest, _ = search(as_("admin"), "n-249")

    assert [claim["id"] for claim in rest["claims"]] == ["clm-249"]
    assert rest["meta"]["complete"] is True
    assert offsets(upstreams)[0] == 0
    assert sorted(offsets(upstreams)[1:3]) == [100, 200]


@pytest.mark.parametrize(
    ("count", "says_total", "is_complete", "pages"),
    [(0, True, True, 1), (100, True, True, 1), (250, True, True, 3), (1_000, True, True, 10), (1_001, True, False, 10),
     (1_500, False, False, 10), (950, False, True, 10)],
)  # fmt: skip
def test_where_it_is_not_found_the_answer_says_whether_all_were_read(
    count: int, says_total: bool, is_complete: bool, pages: int, as_, upstreams, listing
) -> None:
    listing(count, says_total=says_total)

    rest, graphql = search(as_("admin"), "n-99999")

    assert (rest["claims"], rest["total"]) == ([], 0)
    assert rest["meta"]["complete"] is graphql["meta"]["complete"] is is_complete
    assert len(offsets(upstreams)) == 2 * pages


def test_a_member_finds_among_their_own(as_, upstreams, listing) -> None:
    listing(3)

    search(as_("member"), "n-1")

    assert upstreams.asked
    assert all("member_id=m-1" in target for target in upstreams.targets)


def test_a_number_that_cannot_be_one_is_refused_and_nobody_is_called(as_, upstreams, listing) -> None:
    listing(3)

    answer = as_("admin").get("/api/v1/claims", {"claim_number": "a b"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["claim_number"])
    assert upstreams.asked == []


def test_a_service_that_is_down_fails_the_search(as_, upstreams) -> None:
    upstreams.answers["listClaims"] = LATE

    assert as_("admin").get("/api/v1/claims", {"claim_number": "n-1"}).status_code == 504
