"""Whatever an upstream answers is either a payload, from which a view can be made, or a ValueError."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import claims.aggregators
import members.aggregators
from claims.transformers import to_claim_detail, to_claims_summary, to_provider, to_recent_claims
from claims.view_models import ClaimAction
from dashboard.transformers import to_dashboard_member
from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access.resources import EVERYTHING
from gateway_clients.edge.specs import ListSpec
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.call import Call
from members.transformers import insured
from tests.upstream_answers import BENEFIT, CLAIM, COVERAGE, MEMBER, NOTIFICATION, PROVIDER, SUMMARY, all_well

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-03-01", 2**63, 10**400, -1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
STEP = {"status": "paid", "at": "2026-03-01T00:00:00Z", "note": None}
ITEM = {"benefit_code": "A", "amount": 1, "quantity": 1}
WHOLE_CLAIM = {**CLAIM, "items": [ITEM], "history": [STEP], "approved_amount": 1, "submitted_at": STEP["at"]}


#: A call, what may be answered to it, the transformer of a view.
Case = tuple[Call[Any], st.SearchStrategy[Any], Callable[[Any], Any]]


def spoiled(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The answer with some of its fields replaced by junk."""
    return st.dictionaries(st.sampled_from(sorted(whole)), JUNK, max_size=3).map(lambda changes: {**whole, **changes})


def spoiled_page(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    items = st.lists(spoiled(whole) | JUNK, max_size=4)
    return st.fixed_dictionaries({"items": items | JUNK, "total": st.integers() | JUNK})


def case_of(spec: ListSpec[Any, Any]) -> Case:
    asked = {name: value for name, value in {"member_id": "m-1", "provider_id": "p-1"}.items() if name in spec.path}
    call = spec.call(Gateway, spec.narrow(EVERYTHING, {**asked, "limit": 5}))
    return call, spoiled_page(all_well()[call.operation]["items"][0]), spec.shown


#: Every list that is declared.
LISTS = [
    spec
    for module in (claims.aggregators, members.aggregators)
    for spec in vars(module).values()
    if isinstance(spec, ListSpec)
]
CASES: dict[str, Case] = {
    "claims": (Gateway.claims.list_claims(), spoiled_page(WHOLE_CLAIM), to_recent_claims),
    "claim": (
        Gateway.claims.get_claim("clm-1"),
        spoiled(WHOLE_CLAIM),
        lambda claim: to_claim_detail(claim, may=ClaimAction),
    ),
    "summary": (Gateway.claims.summarize_claims(), spoiled(SUMMARY), to_claims_summary),
    "member": (Gateway.member.get_member("m-1"), spoiled(MEMBER), insured.to_personal),
    "dashboard member": (Gateway.member.get_member("m-1"), spoiled(MEMBER), to_dashboard_member),
    "provider": (Gateway.provider.get_provider("p-1"), spoiled(PROVIDER), to_provider),
    "benefits": (Gateway.benefit.list_member_benefits("m-1"), spoiled_page(BENEFIT), insured.to_benefits),
    "summed benefits": (
        Gateway.benefit.list_member_benefits("m-1"),
        spoiled_page(BENEFIT),
        insured.to_benefits_summary,
    ),
    "coverage": (Gateway.policy.get_coverage("m-1"), spoiled(COVERAGE), insured.to_coverage),
    "notifications": (
        Gateway.notification.list_notifications(Subject.member("m-1")),
        spoiled_page(NOTIFICATION),
        insured.to_notifications,
    ),
    **{f"declared {spec.name}": case_of(spec) for spec in LISTS},
}


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(data=st.data())
def test_a_spoiled_answer_makes_a_view_or_a_value_error(case: str, data: st.DataObject) -> None:
    call, answers, transform = CASES[case]
    answer = data.draw(answers)
    try:
        parsed = call.parse(json.dumps(answer).encode())
    except ValueError:
        return

    msgspec.json.encode(transform(parsed.value))
    for encoder in (msgspec.json, msgspec.msgpack):
        kept = encoder.decode(encoder.encode(parsed.value), type=call.payload_type)
        assert kept == parsed.value
