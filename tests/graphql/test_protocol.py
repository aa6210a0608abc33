"""What an answer says beside its data: partial success, cost, when to ask again; and documents that all know."""

import gc
import hashlib
import json
import time
import tracemalloc
from typing import Any

import pytest
from django.test import Client

from gateway_clients.caching.store import default_cache
from gateway_clients.edge.graphql.shared_documents import LIFE_SECONDS, MAX_SHARED_BYTES, shared_documents
from gateway_clients.edge.graphql.trusted_documents import may_be_asked
from tests.support.answering import LATE

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
DASHBOARD = 'memberDashboard(memberId: "m-1")'


def post(client: Client, body: dict[str, Any], **headers: str) -> Any:
    return client.post("/graphql", json.dumps(body), content_type=JSON, headers=headers)


def persisted(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 294), (JSON, 200), ("*/*", 200)])
def test_a_partial_answer_is_294_for_who_takes_graphqls_own_type(accept: str, status: int, as_, upstreams) -> None:
    upstreams.answers["getCoverage"] = LATE
    query = f"{{ {DASHBOARD} {{ name coverageStatus {{ status }} }} }}"

    answer = post(as_("member"), {"query": query}, Accept=accept)

    assert answer.status_code == status
    assert answer.json()["data"]["memberDashboard"] == {"name": "Siti Rahayu", "coverageStatus": None}
    assert len(answer.json()["errors"]) == 1
    assert answer.reason_phrase == ("Partial Success" if status == 294 else "OK")


def test_an_answer_whose_data_is_null_is_294_too(as_, upstreams) -> None:
    answer = post(as_(None), {"query": "{ me { id } }"}, Accept=GRAPHQL)

    assert (answer.status_code, answer.json()["data"]) == (294, None)


def test_a_whole_answer_is_200(as_, upstreams) -> None:
    assert post(as_("member"), {"query": f"{{ {DASHBOARD} {{ name }} }}"}, Accept=GRAPHQL).status_code == 200


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", "1"),
        (f"{{ {DASHBOARD} {{ name }} }}", "2"),
        ('{ memberClaims(memberId: "m-1", limit: 100) { id status } }', "300"),
        ('{ memberClaims(memberId: "m-1", limit: 5) { id approvedAmount items { id } } }', "165"),
    ],
)
def test_the_cost_of_an_operation_is_told(query: str, cost: str, as_, upstreams) -> None:
    client = as_("member")

    assert [post(client, {"query": query})["X-GraphQL-Cost"] for _ in range(2)] == [cost, cost]


PROVIDERS = " ".join(f"a{number}: provider {{ id name address }}" for number in range(19))
DEAR = f'{{ memberClaims(memberId: "m-1", limit: 100) {{ {PROVIDERS} }} }}'


def test_an_operation_that_costs_too_much_is_refused_and_told_its_cost(as_, upstreams) -> None:
    answer = post(as_("member"), {"query": DEAR})

    assert answer["X-GraphQL-Cost"] == "7700"
    assert "could cost too much" in answer.json()["errors"][0]["message"]
    assert upstreams.asked == []


def test_costs_are_measured_and_nothing_is_refused(as_, upstreams, settings, capsys) -> None:
    settings.GRAPHQL_COST_MODE = "measure"
    client = as_("member")

    answers = [post(client, {"query": DEAR}) for _ in range(2)]

    assert [answer["X-GraphQL-Cost"] for answer in answers] == ["7700", "7700"]
    assert all("errors" not in answer.json() for answer in answers)
    assert '"event":"graphql.cost_exceeded"' in capsys.readouterr().out


def test_an_introspection_that_is_far_too_large_is_refused_whatever_the_mode(as_, upstreams, settings) -> None:
    settings.GRAPHQL_COST_MODE = "measure"
    settings.GRAPHQL_INTROSPECTION = True
    kind = "kind name ofType { kind name ofType { kind name } }"
    types = f"types {{ fields {{ name description args {{ name type {{ {kind} }} }} type {{ {kind} }} }} }}"
    query = f"{{ {' '.join(f'a{number}: __schema {{ {types} }}' for number in range(10))} }}"

    answer = post(as_("member"), {"query": query})

    assert "could cost too much" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "query",
    [
        f"{{ {DASHBOARD} {{ name recentClaims {{ id }} }} }}",
        '{ memberClaims(memberId: "m-1") { id } claims { total } }',
        f'{{ {DASHBOARD} {{ coverageStatus {{ status }} }} eligibilityCheck(memberId: "m-1", providerId: "p-1", '
        'serviceDate: "2026-03-01") { isEligible } }',
    ],
)
def test_when_everything_is_down_the_answer_says_when_to_ask_again(query: str, as_, upstreams) -> None:
    upstreams.answers.clear()

    answer = post(as_("member"), {"query": query})

    assert answer.status_code == 200
    assert answer.json()["errors"]
    assert answer["Retry-After"] == "1"


def test_the_longest_wait_of_all_is_told(as_, upstreams) -> None:
    upstreams.answers["listClaims"] = (429, {}, {"Retry-After": "8"})
    upstreams.answers["searchProviders"] = LATE

    assert post(as_("admin"), {"query": "{ claims { total } providers { total } }"})["Retry-After"] == "8"


@pytest.mark.parametrize(
    "query",
    [
        f"{{ {DASHBOARD} {{ name coverageStatus {{ status }} }} }}",
        "{ me { id } claims { total } }",
        f"{{ {DASHBOARD} {{ memberId }} claims {{ total }} }}",
        '{ claims { total } claim(memberId: "m-2", claimId: "clm-1") { id } }',
    ],
)
def test_where_something_came_nobody_is_told_to_wait(query: str, as_, upstreams) -> None:
    upstreams.answers["listClaims"] = upstreams.answers["getCoverage"] = 503

    assert "Retry-After" not in post(as_("member"), {"query": query})


def test_a_persisted_query_is_known_to_all_processes(as_, sandbox, monkeypatch) -> None:
    query, client = "{ shared: __typename }", as_("member")
    post(client, {"query": query, "extensions": persisted(query)})
    forget_what_this_process_knows(monkeypatch)

    answer = post(client, {"extensions": persisted(query)})

    assert answer.json() == {"data": {"shared": "Query"}}


def forget_what_this_process_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_clients.edge.graphql.documents.Documents.text_of", lambda *_: None)


def test_a_query_of_nobody_is_not_made_known(as_, sandbox, monkeypatch) -> None:
    query = "{ ofNobody: __typename }"
    post(as_(None), {"query": query, "extensions": persisted(query)})
    forget_what_this_process_knows(monkeypatch)

    answer = post(as_("member"), {"extensions": persisted(query)})

    assert answer.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_a_query_that_was_not_sent_with_its_hash_is_not_made_known(as_, sandbox, monkeypatch) -> None:
    query, client = "{ withoutHash: __typename }", as_("member")
    post(client, {"query": query})
    forget_what_this_process_knows(monkeypatch)

    answer = post(client, {"extensions": persisted(query)})

    assert answer.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_what_is_planted_under_a_hash_is_not_answered(as_, sandbox, monkeypatch, settings) -> None:
    query, client = "{ planted: __typename }", as_("member")
    post(client, {"query": query, "extensions": persisted(query)})
    wanted = persisted("{ wanted: __typename }")
    sha256 = wanted["persistedQuery"]["sha256Hash"]
    prefix = f"{settings.CACHE_KEY_PREFIX}:graphql:document:"
    kept = persisted(query)["persistedQuery"]["sha256Hash"]
    default_cache().circuit.run(lambda redis: redis.copy(prefix + kept, prefix + sha256))
    forget_what_this_process_knows(monkeypatch)

    answer = post(client, {"extensions": wanted})

    assert answer.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_a_document_is_kept_for_hours_and_a_long_one_not_at_all(as_, sandbox, settings) -> None:
    client, short, long = as_("member"), "{ short: __typename }", "{ long: __typename }" + " " * MAX_SHARED_BYTES
    for query in (short, long):
        post(client, {"query": query, "extensions": persisted(query)})

    names = [
        f"{settings.CACHE_KEY_PREFIX}:graphql:document:{persisted(query)['persistedQuery']['sha256Hash']}"
        for query in (short, long)
    ]
    lives = [default_cache().circuit.run(lambda redis, name=name: redis.ttl(name)) for name in names]
    assert LIFE_SECONDS - 60 < lives[0] <= LIFE_SECONDS
    assert lives[1] == -2


def test_a_process_tells_of_a_document_once_in_a_while(as_, sandbox, monkeypatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(shared_documents(), "_now", lambda: 0.0)
    monkeypatch.setattr("gateway_clients.edge.graphql.shared_documents.sealer", lambda: Sealer(told))
    query, client = "{ told: __typename }", as_("member")

    for _ in range(3):
        post(client, {"query": query, "extensions": persisted(query)})

    assert told == [query]


class Sealer:
    def __init__(self, told: list[str]) -> None:
        self.told = told

    def seal(self, name: str, value: bytes) -> bytes:
        self.told.append(value.decode())
        return value


@pytest.fixture
def _trusted(tmp_path, settings) -> None:
    listed = tmp_path / "trusted.json"
    texts = (f"query Own {{ {DASHBOARD} {{ name recentClaims {{ id }} }} }}",)
    listed.write_text(json.dumps({hashlib.sha256(text.encode()).hexdigest(): text for text in texts}))
    settings.GRAPHQL_TRUSTED_DOCUMENTS = str(listed)
    settings.GRAPHQL_TRUSTED_ONLY = True


@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize("query", ["{ __typename }", "query { __typename }", "query Alive {\n  __typename\n}\n"])
def test_the_type_of_the_root_may_be_asked_where_only_trusted_documents_are(query: str, as_) -> None:
    assert post(as_(None), {"query": query}).json() == {"data": {"__typename": "Query"}}


@pytest.mark.alone
@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize(
    "query", ["query" + " " * 60_000, "{ __typename" + " " * 60_000, "query a" + " " * 60_000 + "b"]
)
def test_what_is_almost_the_type_of_the_root_is_refused_at_once(query: str, as_) -> None:
    client = as_(None)
    post(client, {"query": "{ __typename }"})
    begun = time.process_time()

    assert post(client, {"query": query}).status_code == 403
    assert time.process_time() - begun < 0.1


@pytest.mark.usefixtures("_trusted")
def test_documents_that_are_not_trusted_take_little_memory() -> None:
    def ask(numbers: range) -> None:
        for number in numbers:
            assert not may_be_asked(f"{{ a{number}: __typename }} #{'x' * 60_000}")

    ask(range(3))
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        ask(range(3, 63))
        gc.collect()
        grown_bytes = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert grown_bytes < 1_000_000


@pytest.mark.usefixtures("_trusted")
def test_a_trusted_document_stays_one_when_a_client_adds_typename(as_, upstreams) -> None:
    sent = f"query Own {{\n  {DASHBOARD} {{ name recentClaims {{ id __typename }} __typename }}\n}}"
    client, asked_anew = as_("member"), {"Cache-Control": "no-cache"}

    by_text = post(client, {"query": sent, "extensions": persisted(sent)}, **asked_anew)
    by_hash = post(client, {"extensions": persisted(sent)}, **asked_anew)

    assert by_text.json() == by_hash.json()
    assert by_text.json()["data"]["memberDashboard"]["__typename"] == "MemberDashboard"


@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize(
    "query",
    [
        f"query Own {{ {DASHBOARD} {{ name planName __typename recentClaims {{ id }} }} }}",
        f"query Own {{ {DASHBOARD} {{ name a: __typename recentClaims {{ id }} }} }}",
        "{ __typename me { id } }",
        "{ __typename __schema { queryType { name } } }",
        "mutation { __typename }",
        "{ __typename",
    ],
)
def test_anything_else_is_refused_where_only_trusted_documents_are(query: str, as_, upstreams) -> None:
    answer = post(as_("member"), {"query": query})

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert upstreams.asked == []
