"""The benefit service."""

from gateway_clients.gateway import Gateway
from tests.sandbox.asking import ELIGIBILITY
from tests.upstreams.samples import DAY, Change, Effect, Example, Foreign, Json, Read, UpstreamSamples

benefit = Gateway.benefit
BENEFIT: Json = {
    "code": "CONS-GP",
    "name": "Consultation",
    "category": "outpatient",
    "annual_limit": 1000,
    "used_amount": 250,
}
VALIDATION: Json = {"benefit_code": "CONS-GP", "is_covered": True, "coverage_amount": 1000, "copay_amount": 0}

SAMPLES = UpstreamSamples(
    well={"listMemberBenefits": {"period_start": "2026-01-01", "period_end": "2026-12-31", "items": [BENEFIT]}},
    done={"validateBenefit": VALIDATION},
    reads=[
        Read(
            benefit.list_member_benefits("m-1"),
            "listMemberBenefits",
            "GET /members/m-1/benefits",
            "benefits:member:m-1:list",
            {"member:m-1"},
        ),
    ],
    changes=[
        Change(
            benefit.validate_benefit(
                member_id="m-1", provider_id="p-1", service_date=DAY, benefit_code="CONS-GP", amount=5, quantity=2
            ),
            "validateBenefit",
            "POST /benefits/validate",
            {
                "member_id": "m-1",
                "provider_id": "p-1",
                "service_date": "2026-03-01",
                "benefit_code": "CONS-GP",
                "amount": 5,
                "quantity": 2,
            },
            None,
            True,
        ),
    ],
    foreign=[
        Foreign(
            benefit.validate_benefit(
                member_id="m-1", provider_id="p-1", service_date=DAY, benefit_code="CONS-GP", amount=1
            ),
            VALIDATION,
            VALIDATION | {"benefit_code": "CONS-SP"},
        ),
    ],
    examples={
        "listMemberBenefits": Example(200, "GET", "/members/m-1/benefits"),
        "validateBenefit": Example(
            200,
            "POST",
            "/benefits/validate",
            {**ELIGIBILITY, "benefit_code": "CONS-GP", "amount": 100_000, "quantity": 1},
        ),
    },
    effects=[
        Effect("benefit.updated", {"member_id": "m-1"}, "member", "dashboard/m-1", {"benefits_summary"}),
        Effect("benefit.updated", {"member_id": "m-1"}, "member", "members/m-1/benefits", {"benefits"}),
    ],
)
