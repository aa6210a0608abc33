"""Introspection can be switched off, and nothing then tells what the schema holds."""

import pytest

from tests.graphql.conftest import Asking

TYPO = '{ memberDashbord(memberId: "m-1") { name } }'


@pytest.fixture
def _off(settings) -> None:
    settings.GRAPHQL_INTROSPECTION = False


def test_with_it_the_schema_tells_and_hints(ask: Asking) -> None:
    told = ask(
        None, '{ __schema { queryType { name } } __type(name: "Claim") { n: name fields { name } } a: __typename }'
    )

    assert told["data"]["__schema"] == {"queryType": {"name": "Query"}}
    assert {"name": "displayNumber"} in told["data"]["__type"]["fields"]
    assert told["data"]["a"] == "Query"
    assert "Did you mean 'memberDashboard'?" in ask(None, TYPO)["errors"][0]["message"]


def test_variables_reach_the_introspection(ask: Asking) -> None:
    told = ask(None, "query($n: String!) { __type(name: $n) { name } }", n="Provider")

    assert told["data"] == {"__type": {"name": "Provider"}}


@pytest.mark.usefixtures("_off")
@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Claim") { name } }',
        "{ ...a } fragment a on Query { b: __schema { queryType { name } } }",
    ],
)
def test_without_it_the_schema_does_not_tell(query: str, ask: Asking) -> None:
    answer = ask(None, query)

    assert "data" not in answer
    assert answer["errors"][0]["message"] == "Introspection is switched off."


@pytest.mark.usefixtures("_off")
def test_without_it_type_names_are_still_told(ask: Asking, upstreams) -> None:
    answer = ask("member", '{ __typename memberDashboard(memberId: "m-1") { __typename recentClaims { __typename } } }')

    assert answer["data"] == {
        "__typename": "Query",
        "memberDashboard": {"__typename": "MemberDashboard", "recentClaims": [{"__typename": "Claim"}]},
    }


@pytest.mark.usefixtures("_off")
@pytest.mark.parametrize(
    "query", [TYPO, "{ me { emal } }", "{ claims(limt: 1) { total } }", "{ ... on Quer { me { id } } }"]
)
def test_without_it_nothing_is_hinted_at(query: str, ask: Asking) -> None:
    assert "Did you mean" not in ask(None, query)["errors"][0]["message"]


def test_switching_it_off_holds_for_documents_that_were_answered_before(ask: Asking, settings) -> None:
    query = "{ __schema { mutationType { name } } }"
    assert ask(None, query)["data"] == {"__schema": {"mutationType": {"name": "Mutation"}}}

    settings.GRAPHQL_INTROSPECTION = False

    assert "data" not in ask(None, query)
