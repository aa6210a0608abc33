"""The member dashboard over the real clients: five calls, each through its upstream's requests session."""

import json
from collections.abc import Iterator

import pytest

from dashboard.aggregators import MEMBER_DASHBOARD
from gateway_clients.errors import UpstreamTimeoutError
from gateway_clients.pipeline import upstreams
from tests.support.answering import answering, gateway_without_cache
from tests.upstream_answers import all_well

FIVE = {
    "/members/m-1",
    "/claims?member_id=m-1&limit=5",
    "/members/m-1/benefits",
    "/members/m-1/coverage",
    "/notifications?member_id=m-1&limit=5",
}


@pytest.fixture(autouse=True)
def _own_breakers() -> Iterator[None]:
    """What fails here opens no breaker of another test."""
    upstreams.forget()
    yield
    upstreams.forget()


def test_dashboard_asks_five_services_and_shows_each() -> None:
    with answering(all_well()) as asked:
        sections = gateway_without_cache().view(MEMBER_DASHBOARD, "m-1").sections()

    assert {target.replace("&offset=0", "") for target in asked} == FIVE
    assert len(asked) == 5
    assert {name: section.state for name, section in sections.items()} == dict.fromkeys(sections, "fresh")
    assert json.loads(bytes(sections["member"].value or b""))["name"] == "Siti Rahayu"


@pytest.mark.parametrize(
    ("operation", "answer", "section", "error"),
    [
        ("listMemberBenefits", (503, {}), "benefits_summary", "upstream_unavailable"),
        ("getCoverage", UpstreamTimeoutError("policy"), "coverage_status", "upstream_timeout"),
        ("listClaims", b"<html>", "recent_claims", "upstream_bad_answer"),
    ],
)
def test_service_that_fails_costs_its_section_alone(operation: str, answer, section: str, error: str) -> None:
    with answering(all_well() | {operation: answer}):
        sections = gateway_without_cache().view(MEMBER_DASHBOARD, "m-1").sections()

    states = {name: (each.state, each.error) for name, each in sections.items()}
    assert states.pop(section) == ("unavailable", error)
    assert set(states.values()) == {("fresh", None)}
