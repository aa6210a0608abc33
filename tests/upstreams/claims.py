"""The claims service."""

from gateway_clients.gateway import Gateway
from gateway_clients.services.claims import NewClaim, NewClaimItem
from gateway_clients.services.policy import EligibilityPayload
from tests.sandbox.asking import submission
from tests.upstreams.samples import (
    DAY,
    THE_PROVIDER,
    Change,
    Effect,
    Example,
    Foreign,
    Json,
    Read,
    UpstreamSamples,
    a_page,
    first_page,
)

claims = Gateway.claims
CLAIM: Json = {
    "id": "clm-1",
    "claim_number": "2026-000001",
    "member_id": "m-1",
    "status": "submitted",
    "service_date": "2026-03-01",
    "total_amount": 500000,
    "provider": {"id": "p-1", "name": "RS Sehat", "location": "Bandung, Jawa Barat"},
}
SUMMARY: Json = {"total": 3, "by_status": [{"status": "paid", "count": 3, "total_amount": 4500}]}
NEW_CLAIM = NewClaim(
    member_id="m-1",
    provider_id="p-1",
    service_date=DAY,
    items=(NewClaimItem(benefit_code="CONS-GP", amount=500000),),
    eligibility=EligibilityPayload(is_eligible=True),
    benefit_validations=(),
    submitted_by="7",
)
CHANGED = "claim.status.changed"
DATA = {"claim_id": "clm-1", "member_id": "m-1", "status": "paid"}
PROVIDER_CLAIMS, PROVIDER_DASHBOARD = "claims?provider_id=prov-1", "providers/prov-1/dashboard"

SAMPLES = UpstreamSamples(
    well={"listClaims": a_page(CLAIM, total=17), "getClaim": CLAIM, "summarizeClaims": SUMMARY},
    done={
        "submitClaim": CLAIM,
        "cancelClaim": CLAIM | {"status": "cancelled"},
        "appealClaim": CLAIM | {"status": "processing"},
    },
    reads=[
        Read(
            claims.list_claims(member_id="m-1", limit=5),
            "listClaims",
            "GET /claims?member_id=m-1&limit=5&offset=0",
            "claims:member:m-1:list:limit=5&offset=0",
            {"member:m-1"},
        ),
        Read(
            claims.list_claims(
                member_id="m-1",
                provider_id="p-1",
                status="paid",
                service_date_from=DAY,
                service_date_to=DAY,
                offset=40,
                reader=THE_PROVIDER,
            ),
            "listClaims",
            "GET /claims?member_id=m-1&provider_id=p-1&status=paid"
            "&service_date_from=2026-03-01&service_date_to=2026-03-01&limit=20&offset=40",
            "claims:member:m-1:for:provider:p-1:list:provider_id=p-1&status=paid"
            "&service_date_from=2026-03-01&service_date_to=2026-03-01&limit=20&offset=40",
            {"member:m-1", "provider:p-1"},
        ),
        Read(
            claims.list_claims(provider_id="p-1"),
            "listClaims",
            "GET /claims?provider_id=p-1&limit=20&offset=0",
            "claims:provider:p-1:list:limit=20&offset=0",
            {"provider:p-1"},
        ),
        Read(claims.list_claims(), "listClaims", "GET /claims?limit=20&offset=0", None, set()),
        Read(
            claims.get_claim("clm-1", member_id="m-1"),
            "getClaim",
            "GET /claims/clm-1",
            "claims:member:m-1:claim:clm-1",
            {"member:m-1", "claim:clm-1"},
        ),
        Read(
            claims.get_claim("clm-1", member_id="m-1", reader=THE_PROVIDER),
            "getClaim",
            "GET /claims/clm-1",
            "claims:member:m-1:for:provider:p-1:claim:clm-1",
            {"member:m-1", "claim:clm-1", "provider:p-1"},
        ),
        Read(claims.get_claim("clm-1"), "getClaim", "GET /claims/clm-1", None, set()),
        Read(
            claims.summarize_claims(member_id="m-1"),
            "summarizeClaims",
            "GET /claims/summary?member_id=m-1",
            "summary:member:m-1:claims",
            {"member:m-1"},
        ),
        Read(
            claims.summarize_claims(member_id="m-1", provider_id="p-1"),
            "summarizeClaims",
            "GET /claims/summary?member_id=m-1&provider_id=p-1",
            "summary:member:m-1:claims:provider_id=p-1",
            {"member:m-1", "provider:p-1"},
        ),
        Read(claims.summarize_claims(), "summarizeClaims", "GET /claims/summary", "summary:claims", set()),
    ],
    changes=[
        Change(
            claims.submit_claim(NEW_CLAIM, idempotency_key="k-1"),
            "submitClaim",
            "POST /claims",
            {
                "member_id": "m-1",
                "provider_id": "p-1",
                "service_date": "2026-03-01",
                "items": [{"benefit_code": "CONS-GP", "amount": 500000}],
                "eligibility": {"is_eligible": True},
                "benefit_validations": [],
                "submitted_by": "7",
            },
            "k-1",
            False,
        ),
        Change(
            claims.cancel_claim("c-1", idempotency_key="k"), "cancelClaim", "POST /claims/c-1/cancel", {}, "k", False
        ),
        Change(
            claims.cancel_claim("c-1", reason="twice", idempotency_key="k"),
            "cancelClaim",
            "POST /claims/c-1/cancel",
            {"reason": "twice"},
            "k",
            False,
        ),
        Change(
            claims.appeal_claim("c-1", reason="see letter", idempotency_key="k"),
            "appealClaim",
            "POST /claims/c-1/appeal",
            {"reason": "see letter"},
            "k",
            False,
        ),
    ],
    shown={
        "claims/m-1": first_page(
            "claims",
            {
                "id": "clm-1",
                "member_id": "m-1",
                "provider_id": "p-1",
                "claim_number": "2026-000001",
                "display_number": "CLM-2026-000001",
                "status": "submitted",
                "status_color": "blue",
                "amount": 500000,
                "formatted_amount": "Rp 500,000",
                "service_date": "2026-03-01",
                "provider_name": "RS Sehat",
            },
        ),
    },
    foreign=[
        Foreign(claims.get_claim("clm-1"), CLAIM, CLAIM | {"id": "clm-2"}),
        Foreign(claims.cancel_claim("clm-1", idempotency_key="k"), CLAIM, CLAIM | {"id": "clm-2"}),
        Foreign(claims.appeal_claim("clm-1", reason="r", idempotency_key="k"), CLAIM, CLAIM | {"id": "clm-2"}),
        Foreign(claims.submit_claim(NEW_CLAIM, idempotency_key="k"), CLAIM, CLAIM | {"member_id": "m-2"}),
        Foreign(claims.list_claims(member_id="m-1"), a_page(CLAIM), a_page(CLAIM, CLAIM | {"member_id": "m-2"})),
        Foreign(claims.list_claims(provider_id="p-1"), a_page(CLAIM), a_page(CLAIM | {"provider": {"id": "p-2"}})),
        Foreign(claims.list_claims(provider_id="p-1"), a_page(CLAIM), a_page(CLAIM | {"provider": None})),
    ],
    examples={
        "listClaims": Example(200, "GET", "/claims?member_id=m-1&status=paid&limit=100"),
        "submitClaim": Example(201, "POST", "/claims", submission()),
        "summarizeClaims": Example(200, "GET", "/claims/summary?provider_id=prov-1"),
        "getClaim": Example(200, "GET", "/claims/clm-1"),
        "cancelClaim": Example(200, "POST", "/claims/{submitted}/cancel", {"reason": "paid it myself"}),
        "appealClaim": Example(200, "POST", "/claims/{rejected}/appeal", {"reason": "see the report"}),
    },
    effects=[
        Effect(CHANGED, DATA, "member", "dashboard/m-1", {"recent_claims"}),
        Effect(CHANGED, DATA, "member", "claims/m-1", {"claims"}),
        Effect(CHANGED, DATA, "member", "members/m-1", {"claims"}),
        Effect(CHANGED, DATA, "member", "members/m-1/payments", set()),
        Effect(
            CHANGED,
            DATA | {"provider_id": "prov-1"},
            "provider",
            PROVIDER_DASHBOARD,
            {"recent_claims", "claims_summary"},
        ),
        Effect(CHANGED, DATA, "provider", PROVIDER_DASHBOARD, {"recent_claims", "claims_summary"}),
        Effect(CHANGED, DATA, "provider", PROVIDER_CLAIMS, {"claims"}),
        Effect(CHANGED, DATA, "provider", "claims/m-1", {"claims"}),
        Effect(CHANGED, DATA | {"provider_id": "prov-2"}, "provider", PROVIDER_CLAIMS, set()),
        Effect(CHANGED, DATA | {"claim_id": "2026/0042"}, "member", "claims/m-1", {"claims"}),
        Effect(CHANGED, DATA | {"provider_id": "*"}, "member", "claims/m-1", {"claims"}),
        Effect(CHANGED, DATA | {"provider_id": "*"}, "provider", PROVIDER_CLAIMS, set()),
    ],
)
