"""Every REST view has its GraphQL twin, and both give the same values."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type

from bff_project.schema import schema
from dashboard import aggregators
from gateway_clients.edge.graphql.specified import page_name
from gateway_clients.edge.graphql.type_registry import camel
from gateway_clients.edge.output import view_models
from members.aggregators import PROFILE_PAGES
from tests.portal.addresses import VIEWS
from tests.upstream_answers import NOTIFICATION

#: What GraphQL calls otherwise, and where.
RENAMED = {("Claim", "totalAmount"): "amount"}
#: What has no REST twin: fields with calls of their own.
MORE = {
    "Claim.provider",
    "MemberProfile.notifications",
    "MemberProfile.notificationPage",
    *(f"MemberProfile.{camel(page_name(spec))}" for spec in PROFILE_PAGES),
}
FLAT = {"memberId": "id", "name": "name", "planName": "plan_name", "memberSince": "member_since"}


def test_every_rest_view_has_a_twin() -> None:
    assert [address for address, each in VIEWS.items() if each.twin is None] == []


@pytest.mark.parametrize("address", VIEWS)
def test_a_twin_gives_the_same_values(
    address: str, as_, ask, upstreams, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Redis takes more or less memory from one moment to the next.
    size = aggregators._size_of_cache()
    monkeypatch.setattr(aggregators, "_size_of_cache", lambda: size)
    # Each call counts among those of the last minute.
    known = aggregators.fleet_health()
    monkeypatch.setattr(aggregators, "fleet_health", lambda: known)
    at = view_models.now()
    monkeypatch.setattr(view_models, "now", lambda: at)
    upstreams.answers["listNotifications"] = {"items": [{**NOTIFICATION, "member_id": None}]}
    root, below = twin_of(address)
    kind = type_at(root.partition("(")[0], below)
    selection = selected(kind)

    rest = as_("admin").get(address).json()
    # What was kept for the one is not there for the other.
    settings.CACHE_KEY_PREFIX = uuid.uuid4().hex
    asked = ask("admin", f"{{ view: {root} {{ {f'{below} {selection}' if below else selection[1:-1]} }} }}")

    assert "errors" not in asked
    view = asked["data"]["view"]
    expected = rest.get(below, rest) if isinstance(view.get(below), list | dict) and below in rest else rest
    detail = as_("admin").get("/api/v1/claims/m-1/clm-1").json()
    assert without_ids(view[below] if below else view) == as_in_graphql(expected, kind, detail)


def twin_of(address: str) -> tuple[str, str]:
    """The root field with its arguments, and below it the field that is the view."""
    twin = VIEWS[address].twin
    assert twin is not None
    return twin.root, twin.below


def without_ids(shown: Any) -> Any:
    """Without the ids, of which GraphQL has more."""
    if isinstance(shown, list):
        return [without_ids(each) for each in shown]
    if not isinstance(shown, dict):
        return shown
    return {name: without_ids(value) for name, value in shown.items() if name != "id"}


def type_at(root: str, below: str) -> GraphQLObjectType:
    query = schema.graphql_schema.query_type
    assert query is not None
    kind: Any = get_named_type(query.fields[root].type)
    return get_named_type(kind.fields[below].type) if below else kind


def selected(kind: GraphQLObjectType) -> str:
    """Everything that an object of the type can show."""
    parts = []
    for name, field in kind.fields.items():
        if f"{kind.name}.{name}" in MORE:
            continue
        inner = get_named_type(field.type)
        parts.append(f"{name} {selected(inner)}" if isinstance(inner, GraphQLObjectType) else name)
    return "{ " + " ".join(parts) + " }"


def as_in_graphql(rest: Any, kind: GraphQLObjectType, detail: Mapping[str, Any]) -> Any:
    """What GraphQL is to show, from what REST has shown; `detail`: of every claim, also where REST has a summary."""
    if isinstance(rest, list):
        return [as_in_graphql(each, kind, detail) for each in rest]
    if rest is None:
        return None
    if kind.name == "ViewMeta":
        sections = [section(*each) for each in rest["sections"].items()]
        return {"complete": rest["complete"], "asOf": rest["as_of"], "sections": sections}
    rest = detail | rest if kind.name == "Claim" else rest
    flat: Mapping[str, Any] = rest.get("member", {}) if kind.name == "MemberDashboard" else {}
    shown = {}
    for name, field in kind.fields.items():
        if f"{kind.name}.{name}" in MORE or name == "id":
            continue
        inner = get_named_type(field.type)
        if kind.name == "MemberDashboard" and name in FLAT:
            shown[name] = flat[FLAT[name]]
            continue
        value = rest[RENAMED.get((kind.name, name)) or snake(name)]
        shown[name] = shown_in_graphql(value, inner, detail)
    return shown


def shown_in_graphql(value: Any, kind: Any, detail: Mapping[str, Any]) -> Any:
    if isinstance(kind, GraphQLObjectType):
        return as_in_graphql(value, kind, detail)
    return value.replace("-", "_") if isinstance(kind, GraphQLEnumType) and isinstance(value, str) else value


def section(name: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": camel(name), "error": None, "omitted": 0, "drifted": [], **state}


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
