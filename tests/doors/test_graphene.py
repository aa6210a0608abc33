"""Graphene as its documentation says: types, fields and resolvers of somebody who adds to the schema."""

from collections.abc import Callable, Mapping
from enum import Enum
from types import ModuleType
from typing import Any, ClassVar

import graphene
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import path
from graphql import GraphQLError

import bff_project.schema
from claims.aggregators import CLAIMS
from claims.schema_types import CLAIM
from dashboard.aggregators import MEMBER_DASHBOARD
from dashboard.schema import MEMBER_DASHBOARD_TYPE
from gateway_clients.edge.access import Resource, allowed, signed_in
from gateway_clients.edge.graphql.view import GatewayGraphQLView
from gateway_clients.edge.input.parameters import Page
from gateway_clients.pipeline.fan_out import FanOut
from tests.graphql.conftest import ask, running, sandbox, well
from tests.portal.conftest import as_, upstreams

__all__ = ["as_", "ask", "running", "sandbox", "upstreams", "well"]

Serve = Callable[..., None]


@pytest.fixture
def serve(settings: Any) -> Serve:
    """Serves the product's schema with more root fields, given as a mixin of the query's type."""

    def use(query: type) -> None:
        class Query(query, bff_project.schema.Query):  # type: ignore[misc, valid-type]
            pass

        schema = graphene.Schema(query=Query, mutation=bff_project.schema.Mutation)
        urls = ModuleType("urls_of_a_test")
        urls.urlpatterns = [path("graphql", GatewayGraphQLView.as_view(schema=schema))]  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = urls

    return use


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The operations of the calls that were sent together, each time some were."""
    sent: list[list[str]] = []
    take_waiting = FanOut.take_waiting

    def noted(self: FanOut) -> Any:
        waiting = take_waiting(self)
        if waiting:
            sent.append(sorted(pending.call.operation for pending in waiting))
        return waiting

    monkeypatch.setattr(FanOut, "take_waiting", noted)
    return sent


class Level(Enum):
    """As Graphene's documentation has enums."""

    LOW = 1
    HIGH = 2


class Point(graphene.ObjectType):
    """A type of Graphene's own, with a resolver of its own and one field without."""

    number = graphene.Int()
    level = graphene.Field(graphene.Enum.from_enum(Level))
    label = graphene.String(suffix=graphene.String(default_value="!"))
    plan = graphene.String()

    @staticmethod
    def resolve_label(root: Mapping[str, Any], info: graphene.ResolveInfo, suffix: str) -> str:
        return f"{info.field_name} {root['number']}{suffix}"

    @staticmethod
    def resolve_plan(root: Mapping[str, Any], info: graphene.ResolveInfo) -> Any:
        call = info.context.gateway.call(info.context.gateway.member.get_member(f"m-{root['number']}"))
        return call.then(lambda member: member.plan.name)


class Values(graphene.ObjectType):
    greeting = graphene.String(name=graphene.String(required=True))
    points = graphene.List(graphene.NonNull(Point))
    broken = graphene.Int()

    @staticmethod
    @signed_in
    def resolve_greeting(root: None, info: graphene.ResolveInfo, name: str) -> str:
        assert root is None
        assert isinstance(info.context, HttpRequest)
        assert info.context.user.roles == {"member"}
        return f"{info.context.method} {info.path.as_list()} {name}"

    @staticmethod
    @signed_in
    def resolve_points(_root: None, _info: graphene.ResolveInfo) -> list[dict[str, Any]]:
        return [{"number": 1, "level": Level.LOW}, {"number": 2, "level": Level.HIGH}]

    @staticmethod
    @signed_in
    def resolve_broken(_root: None, _info: graphene.ResolveInfo) -> int:
        raise GraphQLError("It is broken.")


def test_a_resolver_returns_a_value(serve: Serve, ask, upstreams) -> None:
    serve(Values)

    answer = ask("member", '{ greeting(name: "Siti") me { memberId } }')

    assert answer["data"] == {"greeting": "POST ['greeting'] Siti", "me": {"memberId": "m-1"}}
    assert upstreams.asked == []


def test_a_type_of_graphenes_own_has_its_resolvers_run(serve: Serve, ask, upstreams) -> None:
    serve(Values)

    answer = ask("member", '{ points { number level label other: label(suffix: "?") __typename } }')

    assert answer["data"]["points"] == [
        {"number": 1, "level": "LOW", "label": "label 1!", "other": "label 1?", "__typename": "Point"},
        {"number": 2, "level": "HIGH", "label": "label 2!", "other": "label 2?", "__typename": "Point"},
    ]


def test_what_a_resolver_raises_is_told_beside_its_siblings(serve: Serve, ask, upstreams) -> None:
    serve(Values)

    answer = ask("member", '{ broken greeting(name: "Siti") }')

    assert answer["data"] == {"broken": None, "greeting": "POST ['greeting'] Siti"}
    assert [(each["message"], each["path"]) for each in answer["errors"]] == [("It is broken.", ["broken"])]


class Pending(graphene.ObjectType):
    ran: ClassVar[list[str]] = []

    name = graphene.String()
    claims_and_providers = graphene.List(graphene.String)
    view = graphene.Field(MEMBER_DASHBOARD_TYPE)
    waits = graphene.String()

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_name(_root: None, info: graphene.ResolveInfo) -> Any:
        Pending.ran.append("name")
        gateway = info.context.gateway
        return gateway.call(gateway.member.get_member("m-1")).then(lambda member: member.first_name)

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_claims_and_providers(_root: None, info: graphene.ResolveInfo) -> Any:
        Pending.ran.append("claims")
        gateway = info.context.gateway

        def names(found: Any) -> Any:
            call = gateway.call(gateway.provider.get_provider(found.claims[0].provider_id))
            return call.then(lambda provider: [found.claims[0].id, provider.id])

        return CLAIMS.page(gateway, {"member_id": "m-1"}, page=Page(limit=1, offset=0)).then(names)

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_view(_root: None, info: graphene.ResolveInfo) -> Any:
        Pending.ran.append("view")
        return info.context.gateway.view(MEMBER_DASHBOARD, "m-1", sections={"coverage_status", "notifications"})

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_waits(_root: None, info: graphene.ResolveInfo) -> str:
        Pending.ran.append("waits")
        gateway = info.context.gateway
        return str(gateway.call(gateway.policy.get_coverage("m-1")).require().status)


@pytest.fixture
def pending(serve: Serve) -> type[Pending]:
    Pending.ran.clear()
    serve(Pending)
    return Pending


def test_calls_of_all_root_resolvers_are_sent_together_and_each_resolver_is_run_once(
    pending: type[Pending], ask, sandbox, rounds
) -> None:
    answer = ask("admin", "{ name claimsAndProviders view { coverageStatus { status } notifications { id } } }")

    assert "errors" not in answer
    assert answer["data"]["name"] == "Siti"
    assert len(answer["data"]["claimsAndProviders"]) == 2
    assert answer["data"]["view"]["coverageStatus"] == {"status": "active"}
    assert pending.ran == ["name", "claims", "view"]
    assert rounds == [["getCoverage", "getMember", "listClaims", "listNotifications"], ["getProvider"]]


def test_a_resolver_that_waits_by_itself_works_alone(pending: type[Pending], ask, sandbox, rounds) -> None:
    answer = ask("admin", "{ waits name claimsAndProviders }")

    assert "errors" not in answer
    assert answer["data"]["waits"] == "active"
    assert pending.ran == ["waits", "name", "claims"]
    assert rounds == [["getCoverage"], ["getMember", "listClaims"], ["getProvider"]]


def test_a_resolver_that_waits_sends_what_others_added_before_it(pending: type[Pending], ask, sandbox, rounds) -> None:
    answer = ask("admin", "{ name waits }")

    assert answer["data"] == {"name": "Siti", "waits": "active"}
    assert rounds == [["getCoverage", "getMember"]]


def test_resolvers_below_the_root_return_pending_values_that_are_sent_together(
    serve: Serve, ask, sandbox, rounds
) -> None:
    serve(Values)

    answer = ask("admin", "{ points { plan } }")

    assert [set(each) for each in answer["data"]["points"]] == [{"plan"}, {"plan"}]
    assert rounds == [["getMember", "getMember"]]


def test_a_section_of_a_returned_view_that_failed_says_so(pending: type[Pending], ask, upstreams) -> None:
    del upstreams.answers["getCoverage"]

    answer = ask("admin", "{ view { coverageStatus { status } notifications { id } meta { complete } } }")

    assert answer["data"]["view"]["coverageStatus"] is None
    assert answer["data"]["view"]["notifications"][0]["id"] == "n-1"
    assert answer["data"]["view"]["meta"] == {"complete": False}
    assert [each["path"] for each in answer["errors"]] == [["view", "coverageStatus"]]
    assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"


class Nothing(graphene.ObjectType):
    pass


def test_a_resolver_that_is_added_to_a_type_runs_where_a_kept_rendition_would_have_answered(
    serve: Serve, ask, sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def resolve_display_number(root: Any, info: graphene.ResolveInfo) -> str:
        assert root.claim_number == root["claim_number"]
        seen.append(info.path.as_list()[-2])
        return f"{info.context.method}-{root.claim_number}"

    monkeypatch.setattr(CLAIM, "resolve_display_number", staticmethod(resolve_display_number), raising=False)
    serve(Nothing)
    query = '{ memberDashboard(memberId: "m-1") { name recentClaims { claimNumber displayNumber } } }'

    for _ in range(3):
        claims = ask("member", query)["data"]["memberDashboard"]["recentClaims"]
        assert [each["displayNumber"] for each in claims] == [f"POST-{each['claimNumber']}" for each in claims]

    assert len(claims) > 1
    assert seen == list(range(len(claims))) * 3
    assert sandbox.calls("claims").total == 1


class Named(graphene.Interface):
    name = graphene.String()


class Person(graphene.ObjectType):
    class Meta:
        interfaces = (Named,)


class Ticks(graphene.ObjectType):
    tick = graphene.Int()


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (
            {"types": [type("Person", (graphene.ObjectType,), {"Meta": type("Meta", (), {"interfaces": (Named,)})})]},
            "Named",
        ),
        ({"subscription": Ticks}, "subscriptions"),
    ],
)
def test_a_schema_with_what_is_not_carried_out_is_refused_at_the_start(more: dict[str, Any], named: str) -> None:
    schema = graphene.Schema(query=bff_project.schema.Query, **more)

    with pytest.raises(ImproperlyConfigured, match=f"has {named}"):
        GatewayGraphQLView.as_view(schema=schema)


def test_a_root_resolver_without_an_access_rule_is_refused(serve: Serve, ask, upstreams) -> None:
    class Open(graphene.ObjectType):
        secret = graphene.String()

        @staticmethod
        def resolve_secret(_root: None, _info: graphene.ResolveInfo) -> str:
            raise AssertionError("it must not run")

    serve(Open)

    answer = ask("admin", "{ secret }")

    assert answer["data"] == {"secret": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
