"""Every address and every field, whoever asks: one row for each member whose data the answer shows, and no other."""

import re
from typing import Any

import pytest
from django.test import Client

from bff_project.schema import schema
from gateway_clients.audit.members import naming_field
from gateway_clients.conf import SERVICES
from gateway_clients.edge.graphql.types import TYPES
from gateway_clients.models import AuditEntry
from sandbox.testing import Sandbox
from tests.graphql.conftest import ask, running, sandbox, well
from tests.graphql.test_access import query_of
from tests.portal.address import TODAY, Address
from tests.portal.addresses import ADDRESSES, VIEWS
from tests.portal.conftest import as_
from tests.security.conftest import Entries
from tests.support.answering import LATE, REFUSED, AnsweringUpstreams
from tests.support.answering import upstreams as well_upstreams
from tests.support.waiting import wait_until
from tests.upstream_answers import CLAIM, MEMBER, NOTIFICATION, a_page

__all__ = ["as_", "ask", "running", "sandbox", "well", "well_upstreams"]

ROLES = {"member": "member", "provider": "provider", "other provider": "provider", "admin": "admin"}
#: Root fields that are about nobody's data, or whose rows the tests below count.
OTHER_FIELDS = {"me", "login", "refreshToken", "logout", "memberClaims", "submission"}
WRITES = {
    "submitClaim": ("{ id }", "submit_claim"),
    "cancelClaim": ('(memberId: "m-1", claimId: "clm-1") { id }', "cancel_claim"),
    "updateContact": ('(memberId: "m-1", contact: {phone: "+62 811"}) { id }', "update_contact"),
    "markNotificationRead": ('(memberId: "m-1", notificationId: "n-1") { id }', "mark_notification_read"),
    "markProviderNotificationRead": ('(providerId: "p-1", notificationId: "n-1") { id }', None),
    "markAllNotificationsRead": ('(memberId: "m-1") { read }', "mark_all_notifications_read"),
    "appealClaim": ('(memberId: "m-1", claimId: "clm-1", reason: "Because") { id }', None),
}
CLAIM_INPUT = (
    '(claimInput: {memberId: "m-1", providerId: "p-1", serviceDate: "%s", items: [{benefitCode: "CONS-GP", '
    "amount: 1000}]}) { id }"
)


@pytest.fixture
def upstreams(well_upstreams: AnsweringUpstreams) -> AnsweringUpstreams:
    """All well, also for a provider."""
    well_upstreams.answers["listNotifications"] = {"items": [{**NOTIFICATION, "member_id": None}]}
    return well_upstreams


def told(rows: list[AuditEntry]) -> list[tuple[str, str, str, str, str, str]]:
    return [(row.outcome, row.role, row.member_id, row.action, row.sections, row.origins) for row in rows]


def expected(shows: tuple[str, str] | None, who: str, origin: str = "upstream") -> list[tuple[str, ...]]:
    if shows is None:
        return []
    return [("shown", ROLES[who], "m-1", *shows, origin)]


def shown_by_twin(address: Address) -> tuple[str, str] | None:
    """The action and the sections by GraphQL."""
    assert address.twin is not None
    field = address.twin.root.partition("(")[0]
    return (f"graphql.{field}", address.twin.shows) if address.twin.shows else None


def action_of(address: Address) -> str:
    """`GET members/{member}/benefits`."""
    where = re.sub("<id:([a-z]+)_id>", "{\\1}", address.pattern)
    return f"{address.method.upper()} {where}"


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
@pytest.mark.parametrize("who", ["member", "provider", "other provider", "admin", None])
def test_each_address_leaves_the_rows_of_what_it_shows(
    address: Address, who: str | None, as_, upstreams, entries: Entries
) -> None:
    answer = address.asked_by(as_(who))

    rows = entries()
    if who in address.allowed:
        assert told(rows) == expected(address.shows and (action_of(address), address.shows), who)
        assert all(row.request_id == answer.headers["X-Request-ID"] and row.account_id for row in rows)
        return
    outcome = {401: "unauthenticated", 403: "denied", 404: "not_found", 502: None}[answer.status_code]
    assert [row.outcome for row in rows] == ([outcome] if outcome else [])
    assert {(row.sections, row.origins) for row in rows} <= {("", "")}
    if "m-1" in address.path:
        assert {row.member_id for row in rows} <= {"m-1"}


@pytest.mark.parametrize("address", VIEWS)
@pytest.mark.parametrize("who", ["provider", "admin", None])
def test_each_root_field_leaves_the_rows_of_what_it_shows(
    address: str, who: str | None, ask, upstreams, entries: Entries
) -> None:
    answer = ask(who, query_of(address))

    rows = entries()
    if who in VIEWS[address].allowed:
        assert told(rows) == expected(shown_by_twin(VIEWS[address]), who)
        return
    code = answer["errors"][0]["extensions"]["code"]
    outcome = {
        "UNAUTHENTICATED": "unauthenticated", "FORBIDDEN": "denied", "NOT_FOUND": "not_found",
        "UPSTREAM_BAD_ANSWER": None,
    }[code]  # fmt: skip
    assert [(row.outcome, row.sections) for row in rows] == ([(outcome, "")] if outcome else [])


@pytest.mark.parametrize("name", WRITES)
def test_each_mutation_leaves_the_row_of_what_it_shows(name: str, ask, upstreams, entries: Entries) -> None:
    arguments, section = WRITES[name]
    asked = CLAIM_INPUT % TODAY if name == "submitClaim" else arguments

    ask("admin", f"mutation {{ {name}{asked} }}")

    shows = (f"graphql.{name}", section) if section else None
    assert told(entries()) == expected(shows, "admin")


def test_every_root_field_is_counted() -> None:
    graphql = schema.graphql_schema
    assert graphql.query_type is not None
    assert graphql.mutation_type is not None
    known = {each.twin.root.partition("(")[0] for each in VIEWS.values() if each.twin}
    known |= set(WRITES) | OTHER_FIELDS
    assert {*graphql.query_type.fields, *graphql.mutation_type.fields} == known


def test_whatever_shows_a_member_by_its_type_says_which() -> None:
    named = {model.__name__ for model in TYPES.by_model if naming_field(model) is not None}
    having = {model.__name__ for model in TYPES.by_model if "member_id" in model.__struct_fields__}
    assert named == (having - {"User"}) | {"Personal"} | ({"DashboardMember"} & named)


def test_a_list_leaves_a_row_for_each_member_once(as_, upstreams, entries: Entries) -> None:
    upstreams.answers["listClaims"] = a_page(*({**CLAIM, "member_id": f"m-{number % 3}"} for number in range(7)))

    as_("admin").get("/api/v1/claims")

    assert [(row.member_id, row.sections) for row in entries()] == [(f"m-{number}", "claims") for number in range(3)]


def test_a_search_that_finds_nobody_leaves_no_row_and_one_that_finds_two_leaves_two(
    as_, upstreams, entries: Entries
) -> None:
    admin = as_("admin")
    upstreams.answers["searchMembers"] = a_page()
    admin.get("/api/v1/members?q=nobody")
    assert entries() == []

    upstreams.answers["searchMembers"] = a_page(MEMBER, {**MEMBER, "id": "m-2"})
    admin.get("/api/v1/members?q=Siti")
    assert [row.member_id for row in entries()] == ["m-1", "m-2"]


def test_of_a_page_of_which_only_the_total_is_asked_nobody_is_shown(ask, upstreams, entries: Entries) -> None:
    ask("admin", "{ claims { total } members { total } }")

    assert entries() == []


def test_one_answer_with_several_fields_leaves_one_row_for_a_member(ask, upstreams, entries: Entries) -> None:
    ask("admin", '{ memberDashboard(memberId: "m-1") { name } memberClaims(memberId: "m-1") { id } members { total } }')

    assert told(entries()) == [
        ("shown", "admin", "m-1", "graphql.memberDashboard+memberClaims", "member,claims", "upstream")
    ]


def test_an_id_alone_shows_nothing(ask, upstreams, entries: Entries) -> None:
    ask("admin", '{ memberDashboard(memberId: "m-1") { memberId } }')

    assert upstreams.asked == []
    assert entries() == []


def test_only_sections_that_show_something_are_named(as_, upstreams, entries: Entries) -> None:
    for operation in ("getMember", "listClaims"):
        upstreams.answers[operation] = REFUSED

    as_("admin").get("/api/v1/dashboard/m-1")

    assert [row.sections for row in entries()] == ["benefits_summary,coverage_status,notifications"]


def test_an_answer_that_shows_nothing_leaves_no_row(as_, upstreams, entries: Entries) -> None:
    upstreams.answers.clear()

    assert as_("admin").get("/api/v1/dashboard/m-1").status_code == 503
    assert entries() == []


def test_the_word_of_the_policy_service_is_shown_in_the_refusal_too(as_, upstreams, entries: Entries) -> None:
    upstreams.answers["checkEligibility"] = {"is_eligible": False, "reason": "Lapsed"}
    (submit,) = (each for each in ADDRESSES if str(each) == "post claims")

    assert submit.asked_by(as_("provider")).status_code == 400
    assert told(entries()) == [("shown", "provider", "m-1", "POST claims", "eligibility", "upstream")]


def test_bad_input_leaves_no_row(as_, upstreams, entries: Entries) -> None:
    assert as_("admin").get("/api/v1/claims/m-1?limit=0").status_code == 400
    assert entries() == []


def test_a_request_that_is_one_too_many_leaves_no_row(as_, upstreams, entries: Entries, settings: Any) -> None:
    admin = as_("admin")
    settings.RATE_LIMIT_MAX = 1
    assert admin.get("/api/v1/members/m-1/coverage").status_code == 200
    assert admin.get("/api/v1/members/m-1/coverage").status_code == 429
    assert admin.get("/api/v1/providers/p-1").status_code == 429

    assert len(entries()) == 1


def test_a_stale_answer_says_so(as_, upstreams, entries: Entries, settings: Any) -> None:
    settings.CACHE_TTL_SECONDS_COVERAGE = 0.05
    admin = as_("admin")
    admin.get("/api/v1/members/m-1/coverage")
    upstreams.answers["getCoverage"] = LATE
    wait_until(lambda: "stale" in admin.get("/api/v1/members/m-1/coverage").headers["Cache-Status"])

    last = entries()[-1]

    assert (last.sections, last.origins) == ("coverage", "stale")


def calls(sandbox: Sandbox) -> int:
    return sum(sandbox.calls(service).total for service in SERVICES)


READS = [each for each in ADDRESSES if each.method == "get" and each.shows is not None]
#: What is asked for anew each time.
NEVER_KEPT = ("eligibility", "content", "members?", "members")


@pytest.mark.parametrize("address", READS, ids=str)
def test_a_kept_answer_leaves_the_same_rows_as_a_fresh_one(
    address: Address, as_, sandbox: Sandbox, entries: Entries
) -> None:
    admin = as_("admin")
    path = that_exists(admin, address.path)
    before = len(entries())
    address.asked_by(admin, path)
    fresh = entries()[before:]
    asked = calls(sandbox)
    address.asked_by(admin, path)
    kept = entries()[before + len(fresh) :]

    is_kept = not path.split("/")[-1].startswith(NEVER_KEPT)
    assert (calls(sandbox) == asked) == is_kept
    assert [row[:5] for row in told(kept)] == [row[:5] for row in told(fresh)]
    assert len(fresh) >= 1
    assert {row.origins for row in fresh} == {"upstream"}
    assert {row.origins for row in kept} == {"cache" if is_kept else "upstream"}


def that_exists(admin: Client, path: str) -> str:
    """The same address about a claim, a provider and a document that the sandbox has."""
    claim = admin.get("/api/v1/claims/m-1?limit=1").json()["claims"][0]
    (document, *_) = admin.get("/api/v1/members/m-1/documents?limit=1").json()["documents"]
    return path.replace("clm-1", claim["id"]).replace("d-1", document["id"]).replace("p-1", claim["provider_id"])


QUERIES = (
    '{ memberDashboard(memberId: "m-1") { name recentClaims { id } } }',
    '{ memberClaims(memberId: "m-1") { status } }',
    '{ providerDashboard(providerId: "%s") { provider { name } recentClaims { status } } }',
    '{ claims(providerId: "%s") { claims { status } } }',
)


@pytest.mark.parametrize("query", QUERIES)
def test_a_kept_answer_to_an_operation_leaves_the_same_rows(
    query: str, as_, ask, sandbox: Sandbox, entries: Entries
) -> None:
    if "%s" in query:
        query %= as_("admin").get("/api/v1/claims/m-1").json()["claims"][0]["provider_id"]
    before = len(entries())
    ask("admin", query)
    fresh = entries()[before:]
    asked = calls(sandbox)
    ask("admin", query)
    kept = entries()[before + len(fresh) :]

    assert calls(sandbox) == asked
    assert len(fresh) >= 1
    assert [row[:5] for row in told(kept)] == [row[:5] for row in told(fresh)]
    assert ({row.origins for row in fresh}, {row.origins for row in kept}) == ({"upstream"}, {"cache"})
