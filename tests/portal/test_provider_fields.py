"""What a provider is told, field by field: a field that a view gains reaches no provider before it stands here."""

import pytest

from tests.portal.addresses import VIEWS
from tests.upstream_answers import NOTIFICATION

META = {"meta", "complete", "as_of", "sections", "state", "age"}
PAGE = {"total", "limit", "offset", "has_more"}
CLAIM = {
    *("id", "member_id", "provider_id", "claim_number", "display_number", "status", "status_color", "amount"),
    *("formatted_amount", "service_date", "provider_name"),
}
DETAIL = CLAIM | {
    *("approved_amount", "formatted_approved_amount", "rejection_reason", "submitted_at", "actions"),
    *("provider", "name", "location"),
    *("items", "benefit_code", "description", "quantity"),
    *("timeline", "at", "note"),
}
PROVIDER = {"id", "name", "type", "location", "address", "phone", "is_active", "network_tier"}
SUMMARY = {"by_status", "status", "status_color", "count", "total_amount", "formatted_total_amount", "total"}
TOLD = {"id", "type", "title", "body", "created_at", "is_read", "claim_id"}
PROVIDER_DASHBOARD = {"provider", "claims_summary", "recent_claims", "notifications"}
MAY_SEE = {
    "/api/v1/members/m-1/eligibility?provider_id=p-1&service_date=2026-03-01": {
        *("is_eligible", "reason", "coverage", "checked_at")
    },
    "/api/v1/claims/m-1": {"claims"} | CLAIM | PAGE | META,
    "/api/v1/claims?member_id=m-1": {"claims"} | CLAIM | PAGE | META,
    "/api/v1/claims/m-1/clm-1": {"claim"} | DETAIL | META,
    "/api/v1/providers": {"items"} | PROVIDER | PAGE | META,
    "/api/v1/providers/p-1": {"provider"} | PROVIDER | META,
    "/api/v1/providers/p-1/dashboard": PROVIDER_DASHBOARD | PROVIDER | SUMMARY | CLAIM | TOLD | META,
}


def fields_of(value: object) -> set[str]:
    """The names of all fields, at any depth; sections are named in `meta` too."""
    if isinstance(value, dict):
        return set(value).union(*map(fields_of, value.values()))
    return set().union(*map(fields_of, value)) if isinstance(value, list) else set()


def test_every_view_of_a_provider_is_listed() -> None:
    assert set(MAY_SEE) == {address for address, each in VIEWS.items() if "provider" in each.allowed}


@pytest.mark.parametrize("address", MAY_SEE)
def test_a_provider_is_told_the_listed_fields_and_no_other(address: str, as_, upstreams) -> None:
    upstreams.answers["listNotifications"] = {"items": [{**NOTIFICATION, "member_id": None}]}

    answer = as_("provider").get(address)

    assert answer.status_code == 200
    told = fields_of(answer.json())
    assert told - MAY_SEE[address] == set()
    assert told
