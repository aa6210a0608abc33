"""Who may ask for what over GraphQL: the table of REST; on a refusal nobody was called."""

import pytest

from gateway_clients.edge.access.rules import ATTRIBUTE
from gateway_clients.edge.graphql import resolver_info
from tests.graphql.test_twins import selected, twin_of, type_at
from tests.portal.addresses import VIEWS
from tests.portal.conftest import ACCOUNTS
from tests.upstream_answers import NOTIFICATION

CODES = {404: "NOT_FOUND", 502: "UPSTREAM_BAD_ANSWER"}


def query_of(address: str) -> str:
    root, below = twin_of(address)
    selection = selected(type_at(root.partition("(")[0], below))
    return f"{{ view: {root} {f'{{ {below} {selection} }}' if below else selection} }}"


@pytest.mark.parametrize("address", VIEWS)
@pytest.mark.parametrize("who", [*ACCOUNTS, None])
def test_each_field_answers_those_of_the_table_and_refuses_the_others(address: str, who, ask, upstreams) -> None:
    upstreams.answers["listNotifications"] = {"items": [{**NOTIFICATION, "member_id": None}]}

    answer = ask(who, query_of(address))

    if who in VIEWS[address].allowed:
        assert "errors" not in answer
        assert upstreams.asked
        return
    assert answer["data"] == {"view": None}
    code = answer["errors"][0]["extensions"]["code"]
    if who == "other provider" and (apart := VIEWS[address].apart) is not None:
        assert code == CODES[apart]
        assert len(upstreams.asked) == 1
    else:
        assert code == ("UNAUTHENTICATED" if who is None else "FORBIDDEN")
        assert upstreams.asked == []


@pytest.mark.parametrize(
    "query",
    [
        '{ claims(memberId: "m-2") { total } }',
        '{ memberClaims(memberId: "m-2") { id } }',
        '{ claim(memberId: "m-2", claimId: "clm-1") { id } }',
        '{ memberDashboard(memberId: "m-2") { memberId } }',
        '{ memberProfile(memberId: "m-2") { paymentPage { total } } }',
    ],
)
def test_another_members_data_is_refused_before_anybody_is_called(query: str, ask, upstreams) -> None:
    answer = ask("member", query)

    assert list(answer["data"].values()) == [None]
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert upstreams.asked == []


@pytest.mark.parametrize("member_id", ["m/1", "m.1", "", "x" * 65, "m-1\n", "é"])
def test_a_bad_id_is_bad_input_and_nobody_is_called(member_id: str, ask, upstreams) -> None:
    answer = ask("admin", "query($m: String!) { memberDashboard(memberId: $m) { name } }", m=member_id)

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert list(answer["errors"][0]["extensions"]["errors"]) == ["memberId"]
    assert upstreams.asked == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("{ claims(limit: 0) { total } }", "limit"),
        ("{ claims(limit: 101) { total } }", "limit"),
        ("{ claims(limit: null) { total } }", "limit"),
        ("{ claims(offset: -1) { total } }", "offset"),
        ("{ claims(status: unknown) { total } }", "status"),
        ('{ claims(providerId: "p/1") { total } }', "providerId"),
        (f'{{ members(q: "{"x" * 101}") {{ total }} }}', "q"),
        ('{ memberProfile(memberId: "m-1") { documentPage(claimId: "a.b") { total } } }', "claimId"),
        ('{ memberProfile(memberId: "m-1") { paymentPage(limit: 0) { total } } }', "limit"),
    ],
)
def test_bad_input_names_its_argument_and_nobody_is_called(query: str, field: str, ask, upstreams) -> None:
    (error,) = ask("admin", query)["errors"]

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert list(error["extensions"]["errors"]) == [field]
    assert upstreams.asked == []


@pytest.mark.parametrize("day", ["2026-02-30", "20260301", "01.03.2026", "2026-03-01T00:00:00", "now", "٢٠٢٦-٠٣-٠١"])
def test_what_is_no_date_is_refused_as_a_whole(day: str, ask, upstreams) -> None:
    query = 'query($d: Date!) { eligibilityCheck(memberId: "m-1", providerId: "p-1", serviceDate: $d) { isEligible } }'

    answer = ask("admin", query, d=day)

    assert "data" not in answer
    assert upstreams.asked == []


def test_a_field_without_a_rule_is_refused(ask, upstreams, monkeypatch) -> None:
    from bff_project.schema import schema

    query = schema.graphql_schema.query_type
    assert query is not None
    monkeypatch.delattr(query.fields["providers"].resolve, ATTRIBUTE)

    assert ask("admin", "{ providers { total } }")["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert upstreams.asked == []


def test_what_nobody_foresaw_is_masked(ask, upstreams, monkeypatch, capsys) -> None:
    def fail(info: resolver_info.ResolverInfo) -> None:
        raise RuntimeError("secret of http://internal:8001")

    monkeypatch.setattr("gateway_clients.edge.graphql.resolution.resolve_root", fail)

    answer = ask("admin", "{ providers { total } __typename }")

    assert answer["data"] == {"providers": None, "__typename": "Query"}
    assert answer["errors"][0]["message"] == "Internal error"
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in str(answer)
    assert "graphql.field_failed" in capsys.readouterr().out
