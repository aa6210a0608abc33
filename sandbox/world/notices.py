"""Makes the payments of paid claims, and the notifications members and providers got about their claims."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Final

from sandbox.messages import Row

#: The title and the body a member reads when a claim comes to that status.
MEMBER_NOTICES: Final = {
    "submitted": ("Claim received", "We received your claim {number}."),
    "processing": ("Claim in review", "Your claim {number} is being reviewed."),
    "approved": ("Claim approved", "Your claim {number} was approved."),
    "rejected": ("Claim rejected", "Your claim {number} was rejected. You can appeal."),
    "paid": ("Claim paid", "Your claim {number} was paid."),
    "cancelled": ("Claim cancelled", "Your claim {number} was cancelled."),
}
METHODS: Final = ("bank_transfer", "bank_transfer", "virtual_account", "e_wallet")
MEMBER_DAYS: Final = 120
PROVIDER_DAYS: Final = 60
UNREAD_DAYS: Final = 14


def make_payments(seed: int, claims: Sequence[Row]) -> list[Row]:
    """The payments, oldest first; now and then a failed try stands before the payment."""
    rng = Random(f"{seed}:payments")
    payments: list[Row] = []
    for claim in sorted((claim for claim in claims if claim["status"] == "paid"), key=_last_change):
        if rng.random() < 0.03:
            payments.append(payment_of(claim, len(payments) + 1, None, rng.choice(METHODS)))
        paid_at = _last_change(claim)
        payments.append(payment_of(claim, len(payments) + 1, paid_at, rng.choice(METHODS)))
    return payments


def payment_of(claim: Row, number: int, paid_at: str | None, method: str = METHODS[0]) -> Row:
    """The payment of a claim; a failed one where it was never paid."""
    return {
        "id": f"pay-{number}",
        "claim_id": claim["id"],
        "amount": claim["approved_amount"],
        "status": "failed" if paid_at is None else "paid",
        "paid_at": paid_at,
        "method": method,
    }


def make_notifications(seed: int, today: date, claims: Sequence[Row], members: Mapping[str, Row]) -> list[Row]:
    """The notifications, oldest first; those of the last two weeks are mostly unread."""
    rng = Random(f"{seed}:notifications")
    member_since, provider_since = ((today - timedelta(days=days)).isoformat() for days in (MEMBER_DAYS, PROVIDER_DAYS))
    unread_since = (today - timedelta(days=UNREAD_DAYS)).isoformat()
    rows = [
        notification_of(at=f"{today - timedelta(days=rng.randint(1, 90))}T02:00:00Z", member_id=member_id)
        for member_id in members
    ]
    for claim in claims:
        for step in claim["history"]:
            if step["at"] >= member_since:
                rows.append(member_notice(claim, step["status"], step["at"]))
        if claim["submitted_at"] >= provider_since:
            rows.append(provider_notice(claim, claim["submitted_at"]))
    rows.sort(key=lambda row: row["created_at"])
    for number, row in enumerate(rows, start=1):
        row["id"] = f"ntf-{number}"
        row["is_read"] = row["created_at"] < unread_since or rng.random() < 0.25
    return rows


def member_notice(claim: Row, status: str, at: str) -> Row:
    """What the member reads about this claim."""
    title, body = MEMBER_NOTICES[status]
    return notification_of(
        at=at,
        kind=f"claim_{status}",
        title=title,
        body=body.format(number=f"CLM-{claim['claim_number']}"),
        member_id=claim["member_id"],
        claim_id=claim["id"],
    )


def provider_notice(claim: Row, at: str) -> Row:
    """What the provider reads about a claim that was made at it."""
    return notification_of(
        at=at,
        kind="claim_received",
        title="New claim",
        body=f"Claim CLM-{claim['claim_number']} was submitted for your services.",
        provider_id=claim["provider"]["id"],
        claim_id=claim["id"],
    )


def notification_of(
    *,
    at: str,
    kind: str = "plan_news",
    title: str = "Your plan",
    body: str = "The benefits of your plan are up to date. Have a look at what is left this year.",
    member_id: str | None = None,
    provider_id: str | None = None,
    claim_id: str | None = None,
) -> Row:
    """A notification that is not read yet and has no id yet."""
    return {
        "id": "",
        "member_id": member_id,
        "provider_id": provider_id,
        "type": kind,
        "title": title,
        "body": body,
        "created_at": at,
        "is_read": False,
        "claim_id": claim_id,
    }


def _last_change(claim: Row) -> str:
    at: str = claim["history"][-1]["at"]
    return at
