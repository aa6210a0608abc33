"""Which calls make the parts and the single views of a member."""

import datetime
from typing import Final

from claims.transformers import NEWEST
from gateway_clients.caching.keys import Subject
from gateway_clients.conf import DataClass
from gateway_clients.edge.parameters import Page
from gateway_clients.edge.sections import required_section
from gateway_clients.edge.view_models import meta_of
from gateway_clients.edge.writes import written
from gateway_clients.gateway import Gateway, SectionSpec, ViewSpec
from gateway_clients.invalidation.rules import Change, Changed
from gateway_clients.services.member import ContactChange
from members.transformers.insured import (
    to_benefits,
    to_coverage,
    to_documents,
    to_eligibility,
    to_newest_documents,
    to_newest_payments,
    to_notification,
    to_notifications,
    to_payments,
    to_personal,
)
from members.view_models.insured import Eligibility, Personal, PersonalList
from members.view_models.records import DocumentList, Notification, NotificationList, PaymentList

PERSONAL: Final = SectionSpec(
    name="personal",
    service="member",
    call=lambda gateway, member_id: gateway.member.get_member(member_id),
    transform=to_personal,
    decides_existence=True,
)
BENEFITS: Final = SectionSpec(
    name="benefits",
    service="benefit",
    call=lambda gateway, member_id: gateway.benefit.list_member_benefits(member_id),
    transform=to_benefits,
)
COVERAGE: Final = SectionSpec(
    name="coverage",
    service="policy",
    call=lambda gateway, member_id: gateway.policy.get_coverage(member_id),
    transform=to_coverage,
)
PAYMENTS: Final = SectionSpec(
    name="payments",
    service="payment",
    call=lambda gateway, member_id: gateway.payment.list_payments(member_id, limit=NEWEST),
    transform=to_newest_payments,
)
DOCUMENTS: Final = SectionSpec(
    name="documents",
    service="document",
    call=lambda gateway, member_id: gateway.document.list_documents(member_id, limit=NEWEST),
    transform=to_newest_documents,
)

MEMBER_BENEFITS: Final = ViewSpec(
    name="member_benefits", data_class=DataClass.BENEFITS, subject=Subject.member, sections=(BENEFITS,)
)
MEMBER_COVERAGE: Final = ViewSpec(
    name="member_coverage", data_class=DataClass.COVERAGE, subject=Subject.member, sections=(COVERAGE,)
)


def member_search(gateway: Gateway, *, page: Page, q: str | None = None) -> PersonalList:
    """One page of members. Raises what the member service fails with."""
    call = gateway.call(gateway.member.search_members(q=q, limit=page.limit, offset=page.offset))

    found, section = required_section(call)
    return PersonalList(
        items=tuple(map(to_personal, found.items[: page.limit])),
        total=found.total,
        limit=page.limit,
        offset=page.offset,
        meta=meta_of({"items": section}),
    )


def member_payments(gateway: Gateway, member_id: str, *, page: Page) -> PaymentList:
    """One page of payments. Raises what the payment service fails with."""
    call = gateway.call(gateway.payment.list_payments(member_id, limit=page.limit, offset=page.offset))

    found, section = required_section(call)
    return PaymentList(
        payments=to_payments(found)[: page.limit],
        total=found.total,
        limit=page.limit,
        offset=page.offset,
        meta=meta_of({"payments": section}),
    )


def member_documents(gateway: Gateway, member_id: str, *, page: Page, claim_id: str | None = None) -> DocumentList:
    """One page of documents, of one claim if so asked. Raises what the document service fails with."""
    call = gateway.call(
        gateway.document.list_documents(member_id, claim_id=claim_id, limit=page.limit, offset=page.offset)
    )

    found, section = required_section(call)
    return DocumentList(
        documents=to_documents(found)[: page.limit],
        total=found.total,
        limit=page.limit,
        offset=page.offset,
        meta=meta_of({"documents": section}),
    )


def notification_list(
    gateway: Gateway, recipient: Subject, *, limit: int, unread: bool | None = None
) -> NotificationList:
    """The newest notifications of a member or a provider; only those that are unread (or read) if so asked.

    Raises what the notification service fails with.
    """
    call = gateway.call(gateway.notification.list_notifications(recipient, unread=unread, limit=limit))

    found, section = required_section(call)
    return NotificationList(
        notifications=to_notifications(found)[:limit], limit=limit, meta=meta_of({"notifications": section})
    )


def eligibility(gateway: Gateway, member_id: str, *, provider_id: str, service_date: datetime.date) -> Eligibility:
    """Whether the member may be treated there on that day; always asked anew. Raises as the policy service fails."""
    call = gateway.call(
        gateway.policy.check_eligibility(member_id=member_id, provider_id=provider_id, service_date=service_date)
    )

    return to_eligibility(call.require())


def contact_change(gateway: Gateway, member_id: str, change: ContactChange) -> Personal:
    """Changes how a member is reached; who they are then. Raises as `written` does."""
    call = gateway.call(gateway.member.update_member_contact(member_id, change))

    return to_personal(written(call, Change(changed=Changed.MEMBER, member_id=member_id)))


def read_mark(gateway: Gateway, recipient: Subject, notification_id: str) -> Notification:
    """Marks a notification of a member or a provider as read. Raises as `written` does."""
    call = gateway.call(gateway.notification.mark_notification_read(notification_id, recipient))

    change = Change(changed=Changed.NOTIFICATIONS, **{f"{recipient.kind}_id": recipient.id})
    return to_notification(written(call, change))
