"""A claim is found by its number among the newest that can be listed, over REST and GraphQL."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway_clients.edge.input import request_context
from gateway_clients.errors import UpstreamTimeoutError
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.outcome import Outcome
from tests.portal.conftest import as_
from tests.support.fake_gateway import FakeGateway
from tests.upstream_answers import CLAIM, all_well

__all__ = ["as_"]

QUERY = "query($n: String!) { claims(claimNumber: $n) { total hasMore claims { id claimNumber } meta { complete } } }"


class Listing(FakeGateway):
    """A claims service with so many claims, numbered from the newest: `n-0`, `n-1` and so on."""

    def __init__(self, count: int, *, says_total: bool = True) -> None:
        super().__init__(all_well())
        self.count = count
        self.says_total = says_total

    def _answer(self, call: Call[Any]) -> Outcome[Any]:
        if call.operation == "listClaims" and self.count >= 0:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(call.target).query).items()}
            offset, limit = int(asked.get("offset", "0")), int(asked["limit"])
            numbers = range(offset, min(offset + limit, self.count))
            items = [CLAIM | {"id": f"clm-{n}", "claim_number": f"n-{n}"} for n in numbers]
            self.answers["listClaims"] = {"items": items, "total": self.count if self.says_total else None}
        return super()._answer(call)

    @property
    def pages(self) -> list[int]:
        """The offsets of the pages that were asked for."""
        return [int(parse_qs(urlsplit(call.target).query).get("offset", ["0"])[0]) for call in self.asked]


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch):
    def use(count: int, **how: Any) -> Listing:
        made = Listing(count, **how)
        monkeypatch.setattr(request_context, "Gateway", lambda **_: made)
        return made

    return use


def search(client: Any, number: str) -> tuple[Any, Any]:
    over_rest = client.get("/api/v1/claims", {"claim_number": number}).json()
    over_graphql = client.post(
        "/graphql", {"query": QUERY, "variables": {"n": number}}, content_type="application/json"
    ).json()["data"]["claims"]
    return over_rest, over_graphql


@pytest.mark.parametrize("number", ["n-42", "CLM-n-42"])
def test_a_claim_on_the_newest_page_is_found_with_one_call(number: str, as_, listing) -> None:
    gateway = listing(5_000)

    rest, graphql = search(as_("admin"), number)

    assert [claim["id"] for claim in rest["claims"]] == ["clm-42"]
    assert (rest["total"], rest["has_more"], rest["meta"]["complete"]) == (1, False, True)
    assert graphql == {
        "total": 1,
        "hasMore": False,
        "claims": [{"id": "clm-42", "claimNumber": "n-42"}],
        "meta": {"complete": True},
    }
    assert gateway.pages == [0, 0]


def test_an_older_one_is_found_on_the_pages_behind_it(as_, listing) -> None:
    gateway = listing(250)

    rest, _ = search(as_("admin"), "n-249")

    assert [claim["id"] for claim in rest["claims"]] == ["clm-249"]
    assert rest["meta"]["complete"] is True
    assert gateway.pages[:3] == [0, 100, 200]


@pytest.mark.parametrize(
    ("count", "says_total", "is_complete", "pages"),
    [(0, True, True, 1), (100, True, True, 1), (250, True, True, 3), (1_000, True, True, 10), (1_001, True, False, 10),
     (1_500, False, False, 10), (950, False, True, 10)],
)  # fmt: skip
def test_where_it_is_not_found_the_answer_says_whether_all_were_read(
    count: int, says_total: bool, is_complete: bool, pages: int, as_, listing
) -> None:
    gateway = listing(count, says_total=says_total)

    rest, graphql = search(as_("admin"), "n-99999")

    assert (rest["claims"], rest["total"]) == ([], 0)
    assert rest["meta"]["complete"] is graphql["meta"]["complete"] is is_complete
    assert len(gateway.pages) == 2 * pages


def test_a_member_finds_among_their_own(as_, listing) -> None:
    gateway = listing(3)

    search(as_("member"), "n-1")

    assert all("member_id=m-1" in call.target for call in gateway.asked)


def test_a_number_that_cannot_be_one_is_refused_and_nobody_is_called(as_, listing) -> None:
    gateway = listing(3)

    answer = as_("admin").get("/api/v1/claims", {"claim_number": "a b"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["claim_number"])
    assert gateway.asked == []


def test_a_service_that_is_down_fails_the_search(as_, listing) -> None:
    gateway = listing(-1)
    gateway.answers["listClaims"] = UpstreamTimeoutError("claims")

    assert as_("admin").get("/api/v1/claims", {"claim_number": "n-1"}).status_code == 504
