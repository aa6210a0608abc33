"""From what upstreams know of the insured to what portals see; pure functions."""

from collections.abc import Sequence
from typing import Any

from gateway_clients.edge.input import is_id
from gateway_clients.edge.output import NEWEST, format_rupiah, known
from gateway_clients.services.benefit import BenefitPayload, BenefitsPayload
from gateway_clients.services.document import DocumentPayload
from gateway_clients.services.member import MemberPayload
from gateway_clients.services.notification import NotificationPayload
from gateway_clients.services.payload_parser import Page
from gateway_clients.services.payment import PaymentPayload
from gateway_clients.services.policy import CoveragePayload, EligibilityPayload
from members.view_models.benefits import BenefitCategory, BenefitItem, Benefits, BenefitsOfCategory, BenefitsSummary
from members.view_models.insured import (
    Coverage,
    CoverageLevel,
    CoverageStatus,
    Eligibility,
    MemberStatus,
    Personal,
    Plan,
)
from members.view_models.records import Document, Notification, Payment, PaymentStatus


def to_name(member: MemberPayload) -> str:
    """First name, a space, last name."""
    return f"{member.first_name} {member.last_name}".strip()


def to_personal(member: MemberPayload) -> Personal:
    """Transforms a member."""
    plan = member.plan
    return Personal(
        id=member.id,
        member_number=member.member_number,
        first_name=member.first_name,
        last_name=member.last_name,
        name=to_name(member),
        date_of_birth=member.date_of_birth,
        email=member.email,
        phone=member.phone,
        address=member.address,
        status=known(member.status, MemberStatus),
        member_since=member.enrollment_date,
        plan=None if plan is None else Plan(id=plan.id, name=plan.name, tier=plan.tier),
    )


def to_benefit_item(benefit: BenefitPayload) -> BenefitItem:
    """One benefit. What is used beyond its limit leaves nothing, and is no debt to the others."""
    limit, used = benefit.annual_limit, benefit.used_amount
    remaining = max(0, limit - used)
    return BenefitItem(
        code=benefit.code,
        name=benefit.name,
        category=known(benefit.category or "", BenefitCategory),
        annual_limit=limit,
        formatted_annual_limit=format_rupiah(limit),
        used_amount=used,
        formatted_used_amount=format_rupiah(used),
        remaining_amount=remaining,
        formatted_remaining_amount=format_rupiah(remaining),
        used_percent=100 * used // limit if limit > 0 else 0,
    )


def _totals_of(items: Sequence[BenefitItem]) -> dict[str, Any]:
    limit = sum([item.annual_limit for item in items])
    used = sum([item.used_amount for item in items])
    remaining = sum([item.remaining_amount for item in items])
    return {
        "total_limit": limit,
        "formatted_total_limit": format_rupiah(limit),
        "total_used": used,
        "formatted_total_used": format_rupiah(used),
        "total_remaining": remaining,
        "formatted_total_remaining": format_rupiah(remaining),
    }


def to_benefits_summary(benefits: BenefitsPayload) -> BenefitsSummary:
    """This period's benefits, one by one."""
    items = tuple(map(to_benefit_item, benefits.items))
    return BenefitsSummary(
        period_start=benefits.period_start, period_end=benefits.period_end, **_totals_of(items), items=items
    )


def to_benefits(benefits: BenefitsPayload) -> Benefits:
    """This period's benefits by category; those of no known category come last."""
    items = tuple(map(to_benefit_item, benefits.items))
    groups = {category: tuple(item for item in items if item.category is category) for category in BenefitCategory}
    return Benefits(
        period_start=benefits.period_start,
        period_end=benefits.period_end,
        **_totals_of(items),
        categories=tuple(
            BenefitsOfCategory(category=category, **_totals_of(group), items=group)
            for category, group in groups.items()
            if group
        ),
    )


def to_coverage(coverage: CoveragePayload) -> Coverage:
    """A member's coverage today."""
    return Coverage(
        status=known(coverage.status, CoverageStatus),
        policy_number=coverage.policy_number,
        plan_name=coverage.plan_name,
        effective_date=coverage.effective_date,
        expiry_date=coverage.expiry_date,
    )


def to_eligibility(answer: EligibilityPayload) -> Eligibility:
    """Whether a member may be treated."""
    return Eligibility(
        is_eligible=answer.is_eligible,
        reason=answer.reason,
        coverage=None if answer.coverage is None else known(answer.coverage, CoverageLevel),
        checked_at=answer.checked_at,
    )


def to_notification(notification: NotificationPayload) -> Notification:
    """Something that was told."""
    return Notification(
        id=notification.id,
        type=notification.type,
        title=notification.title,
        body=notification.body,
        created_at=notification.created_at,
        is_read=notification.is_read,
        claim_id=notification.claim_id,
    )


def to_notifications(page: Page[NotificationPayload]) -> tuple[Notification, ...]:
    """Transforms notifications, newest first."""
    return tuple(map(to_notification, sorted(page.items, key=lambda told: told.created_at, reverse=True)))


def to_count(page: Page[NotificationPayload]) -> int:
    """How many there are on a page."""
    return len(page.items)


def to_newest_notifications(page: Page[NotificationPayload]) -> tuple[Notification, ...]:
    """At most five, newest first."""
    return to_notifications(page)[:NEWEST]


def to_payment(payment: PaymentPayload) -> Payment:
    """Transforms a payment."""
    return Payment(
        id=payment.id,
        claim_id=payment.claim_id,
        amount=payment.amount,
        formatted_amount=format_rupiah(payment.amount),
        status=known(payment.status, PaymentStatus),
        paid_at=payment.paid_at,
        method=payment.method,
    )


def content_url(document: DocumentPayload) -> str | None:
    """Where the gateway hands out its bytes; None where the document's name is no id, so that nobody can ask for it."""
    if not (is_id(document.id) and is_id(document.member_id)):
        return None
    return content_path(document.member_id, document.id)


def content_path(member_id: str, document_id: str) -> str:
    """The address of a document's bytes at the gateway."""
    return f"/api/v1/members/{member_id}/documents/{document_id}/content"


def to_document(document: DocumentPayload) -> Document:
    """Transforms a document's record."""
    return Document(
        id=document.id,
        claim_id=document.claim_id,
        name=document.name,
        kind=document.kind,
        content_type=document.content_type,
        size_bytes=document.size_bytes,
        uploaded_at=document.uploaded_at,
        content_url=content_url(document),
    )
