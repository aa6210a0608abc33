"""The policy service."""

from gateway_clients.gateway import Gateway
from tests.sandbox.asking import ELIGIBILITY
from tests.upstreams.samples import DAY, Change, Effect, Example, Json, Read, UpstreamSamples

policy = Gateway.policy
COVERAGE: Json = {"status": "active", "policy_number": "POL-1", "plan_name": "Askes Gold"}

SAMPLES = UpstreamSamples(
    well={"getCoverage": COVERAGE, "checkEligibility": {"is_eligible": True, "coverage": "full"}},
    reads=[
        Read(
            policy.get_coverage("m-1"),
            "getCoverage",
            "GET /members/m-1/coverage",
            "coverage:member:m-1:today",
            {"member:m-1"},
        ),
    ],
    changes=[
        Change(
            policy.check_eligibility(member_id="m-1", provider_id="p-1", service_date=DAY),
            "checkEligibility",
            "POST /eligibility/check",
            {"member_id": "m-1", "provider_id": "p-1", "service_date": "2026-03-01"},
            None,
            True,
        ),
    ],
    shown={
        "members/m-1/coverage": {
            "coverage": {
                "status": "active",
                "policy_number": "POL-1",
                "plan_name": "Askes Gold",
                "effective_date": None,
                "expiry_date": None,
            },
        },
    },
    examples={
        "getCoverage": Example(200, "GET", "/members/m-1/coverage"),
        "checkEligibility": Example(200, "POST", "/eligibility/check", ELIGIBILITY),
    },
    effects=[
        Effect("coverage.changed", {"member_id": "m-1"}, "member", "dashboard/m-1", {"coverage_status"}),
        Effect("coverage.changed", {"member_id": "m-1"}, "member", "members/m-1/coverage", {"coverage"}),
    ],
)
