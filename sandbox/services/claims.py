"""The claims service."""

from datetime import date
from typing import Final

from sandbox.messages import Answer, ProblemError, Question, Row, json_answer, page_answer
from sandbox.services.finding import found
from sandbox.world.notices import provider_notice
from sandbox.world.state import World

STATUSES: Final = ("submitted", "processing", "approved", "rejected", "paid", "cancelled")


def list_claims(world: World, question: Question) -> Answer:
    """The claims that pass every given filter, newest service date first."""
    asked = question.parameters
    first, last = asked["service_date_from"] or "", asked["service_date_to"] or "9999-12-31"
    rows = [
        row
        for row in _owned(world, question)
        if asked["status"] in (None, row["status"]) and first <= row["service_date"] <= last
    ]
    return page_answer(rows, question)


def summarize_claims(world: World, question: Question) -> Answer:
    """Counts and sums by status, in the order a claim goes through them."""
    rows = _owned(world, question)
    by_status = []
    for status in STATUSES:
        amounts = [row["total_amount"] for row in rows if row["status"] == status]
        if amounts:
            by_status.append({"status": status, "count": len(amounts), "total_amount": sum(amounts)})
    return json_answer({"total": len(rows), "by_status": by_status})


def get_claim(world: World, question: Question) -> Answer:
    """One claim."""
    return json_answer(found(world.claims, question.parameters["claim_id"], "claim"))


def submit_claim(world: World, question: Question) -> Answer:
    """Takes a new claim. Refuses one that does not hang together: this service checks what it is told."""
    body = question.body
    found(world.members, body["member_id"], "member", status=422)
    provider = found(world.providers, body["provider_id"], "provider", status=422)
    refusals = (
        (not provider["is_active"], "the provider is not active"),
        (body["eligibility"].get("is_eligible") is not True, "the member is not eligible"),
        (len(body["benefit_validations"]) != len(body["items"]), "one benefit validation for each item"),
        (date.fromisoformat(body["service_date"]) > world.today, "the service date is in the future"),
    )
    for is_broken, detail in refusals:
        if is_broken:
            raise ProblemError(422, detail)
    now = world.now()
    items = [{"quantity": 1, **item} for item in body["items"]]
    claim: Row = {
        "id": "",
        "claim_number": "",
        "member_id": body["member_id"],
        "status": "submitted",
        "service_date": body["service_date"],
        "submitted_at": now,
        "total_amount": sum(item["amount"] * item["quantity"] for item in items),
        "approved_amount": None,
        "rejection_reason": None,
        "provider": {name: provider[name] for name in ("id", "name", "location")},
        "items": items,
        "history": [{"status": "submitted", "at": now, "note": None}],
    }
    world.add_claim(claim)
    world.add_notification(provider_notice(claim, now))
    return json_answer(claim, 201)


def cancel_claim(world: World, question: Question) -> Answer:
    """Cancels a claim that is still submitted."""
    return _move(world, question, allowed="submitted", status="cancelled")


def appeal_claim(world: World, question: Question) -> Answer:
    """Brings a rejected claim back to processing."""
    return _move(world, question, allowed="rejected", status="processing")


def _move(world: World, question: Question, *, allowed: str, status: str) -> Answer:
    claim = found(world.claims, question.parameters["claim_id"], "claim")
    if claim["status"] != allowed:
        raise ProblemError(409, f"the claim is {claim['status']}, not {allowed}")
    world.move_claim(claim, status, question.body.get("reason"))
    return json_answer(claim)


def _owned(world: World, question: Question) -> list[Row]:
    member_id, provider_id = question.parameters["member_id"], question.parameters["provider_id"]
    owner = member_id if member_id is not None else provider_id
    rows = world.listed if owner is None else world.listed_by_owner.get(owner, [])
    return [
        row for row in rows if member_id in (None, row["member_id"]) and provider_id in (None, row["provider"]["id"])
    ]


OPERATIONS: Final = {
    "listClaims": list_claims,
    "summarizeClaims": summarize_claims,
    "getClaim": get_claim,
    "submitClaim": submit_claim,
    "cancelClaim": cancel_claim,
    "appealClaim": appeal_claim,
}
