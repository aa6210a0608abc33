"""What upstreams of the tests answer, as their contracts say."""

from typing import Any

CLAIM: dict[str, Any] = {
    "id": "clm-1",
    "claim_number": "2026-000001",
    "member_id": "m-1",
    "status": "submitted",
    "service_date": "2026-03-01",
    "total_amount": 500000,
    "provider": {"id": "p-1", "name": "RS Sehat", "location": "Bandung, Jawa Barat"},
}
MEMBER: dict[str, Any] = {
    "id": "m-1",
    "first_name": "Siti",
    "last_name": "Rahayu",
    "status": "active",
    "enrollment_date": "2019-03-01",
    "plan": {"id": "pl-1", "name": "Askes Gold", "tier": "gold"},
}
BENEFIT: dict[str, Any] = {
    "code": "CONS-GP",
    "name": "Consultation",
    "category": "outpatient",
    "annual_limit": 1000,
    "used_amount": 250,
}
NOTIFICATION: dict[str, Any] = {
    "id": "n-1",
    "type": "claim_submitted",
    "title": "Claim received",
    "created_at": "2026-03-01T00:00:00Z",
    "is_read": False,
    "member_id": "m-1",
}
PROVIDER: dict[str, Any] = {"id": "p-1", "name": "RS Sehat", "is_active": True, "type": "hospital"}
PAYMENT: dict[str, Any] = {"id": "pay-1", "claim_id": "clm-1", "amount": 1500, "status": "paid"}
DOCUMENT: dict[str, Any] = {
    "id": "d-1",
    "member_id": "m-1",
    "claim_id": "clm-1",
    "name": "invoice.pdf",
    "content_type": "application/pdf",
    "size_bytes": 9,
    "uploaded_at": "2026-03-01T00:00:00Z",
}
SUMMARY: dict[str, Any] = {"total": 3, "by_status": [{"status": "paid", "count": 3, "total_amount": 4500}]}
COVERAGE: dict[str, Any] = {"status": "active", "policy_number": "POL-1", "plan_name": "Askes Gold"}


def a_page(*items: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    """A list as upstreams answer it."""
    return {"items": list(items), "total": len(items) if total is None else total}


def all_well() -> dict[str, Any]:
    """Every read answered, about member m-1 and provider p-1."""
    return {
        "getMember": MEMBER,
        "searchMembers": a_page(MEMBER),
        "listClaims": a_page(CLAIM, total=17),
        "getClaim": CLAIM,
        "summarizeClaims": SUMMARY,
        "listMemberBenefits": {"period_start": "2026-01-01", "period_end": "2026-12-31", "items": [BENEFIT]},
        "getCoverage": COVERAGE,
        "listNotifications": {"items": [NOTIFICATION]},
        "listPayments": a_page(PAYMENT, total=17),
        "listDocuments": a_page(DOCUMENT, total=17),
        "getProvider": PROVIDER,
        "searchProviders": a_page(PROVIDER, total=17),
        "checkEligibility": {"is_eligible": True, "coverage": "full"},
        "getDocument": DOCUMENT,
        "downloadDocument": b"%PDF-1.4\n",
    }


def all_done() -> dict[str, Any]:
    """Every write carried out, about the same."""
    return {
        "updateMemberContact": MEMBER,
        "markNotificationRead": {**NOTIFICATION, "member_id": None, "is_read": True},
        "uploadDocument": {**DOCUMENT, "claim_id": "clm-1"},
        "validateBenefit": {"benefit_code": "CONS-GP", "is_covered": True, "coverage_amount": 1000, "copay_amount": 0},
        "submitClaim": CLAIM,
        "cancelClaim": {**CLAIM, "status": "cancelled"},
        "appealClaim": {**CLAIM, "status": "processing"},
    }
