"""The pages for portal developers name every code, state and limit that there is, with the values of the code."""

import re
from collections.abc import Iterator

from django.conf import settings

import bff_project.urls
from gateway_clients.edge.errors import ApiError
from gateway_clients.edge.graphql import complexity, guards
from gateway_clients.edge.input.parameters import DEFAULT_LIMIT, MAX_LIMIT
from gateway_clients.errors import GatewayError
from gateway_clients.pipeline.outcome import SectionState
from tests.docs.pages import ROOT, marked, page, rows, section

LIMITS = {
    "bytes of a request": guards.MAX_BYTES,
    "tokens": guards.MAX_TOKENS,
    "levels of fields": guards.MAX_DEPTH,
    "aliases": guards.MAX_ALIASES,
    "root fields of a query": guards.MAX_ROOT_FIELDS,
    "root fields of a mutation": 1,
    "fields, as written": guards.MAX_FIELDS,
    "fields, fragments unfolded": guards.MAX_UNFOLDED_FIELDS,
    "fields of one name side by side": guards.MAX_REPEATS,
    "fragments": guards.MAX_FRAGMENTS,
    "fragment spreads": guards.MAX_SPREADS,
    "directives": guards.MAX_DIRECTIVES,
    "operations of a document": guards.MAX_OPERATIONS,
    "cost": complexity.MAX_COST,
}


def kinds(root: type[ApiError | GatewayError]) -> Iterator[type[ApiError | GatewayError]]:
    """An error and all that are derived of it, as far as the gateway has loaded them."""
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_every_code_that_a_portal_may_see_is_explained_with_its_status() -> None:
    assert bff_project.urls.urlpatterns  # loads every view, and with it every error
    seen = {(kind.status, kind.code) for root in (ApiError, GatewayError) for kind in kinds(root)}
    told = rows(page("portals/errors.md"))
    assert {(int(status), marked(code)[0]) for status, code, _ in told} == seen
    assert len(told) == len(seen)


def test_every_state_of_a_section_is_explained() -> None:
    told = rows(page("portals/sections.md"))
    assert [marked(state) for state, *_ in told] == [[state.value] for state in SectionState]


def test_the_bounds_of_a_page_are_those_of_the_code() -> None:
    assert f"`limit` is 1 to {MAX_LIMIT} ({DEFAULT_LIMIT} if left out)" in page("portals/lists.md")


def test_every_header_that_another_origin_can_read_is_told() -> None:
    told = page("portals/limits.md").partition("It can read")[2].partition(".")[0]
    assert set(marked(told)) == set(settings.CORS_EXPOSE_HEADERS)


def test_every_limit_of_a_graphql_document_is_told_with_its_value() -> None:
    told = {name: int(limit.replace(",", "")) for name, limit, *_ in rows(section("graphql.md", "## Limits"))}
    assert told == LIMITS


def test_no_guard_of_graphql_documents_is_left_out() -> None:
    guarded = {name for name in vars(guards) if name.startswith("MAX_")} - {"MAX_INTROSPECTION_DEPTH"}
    assert len(guarded) == len(LIMITS) - len(("root fields of a mutation", "cost"))


def test_every_code_of_graphql_alone_is_told() -> None:
    folder = ROOT / "gateway_clients" / "edge" / "graphql"
    codes = {code for path in folder.glob("*.py") for code in re.findall(r'code="(\w+)"', path.read_text())}
    told = {name for name, *_ in rows(section("graphql.md", "## Errors"))}
    assert {f"`{code.upper()}`" for code in codes} <= told
