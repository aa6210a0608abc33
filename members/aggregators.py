"""Which calls make the parts and the single views of a member."""

import datetime
from typing import Any, Final

from claims.transformers import to_claims_summary
from gateway_clients.caching.keys import Subject
from gateway_clients.conf import DataClass
from gateway_clients.edge.access import Resource
from gateway_clients.edge.input import MAX_LIMIT
from gateway_clients.edge.output import meta_of, required_section
from gateway_clients.edge.rest import all_written, written
from gateway_clients.edge.specs import SEARCH, ListSpec, SectionPage, id_filter
from gateway_clients.gateway import Gateway, SectionSpec
from gateway_clients.invalidation.rules import Change, Changed
from gateway_clients.pipeline.pending_value import Deferred, PendingValue
from gateway_clients.pipeline.section import Section
from gateway_clients.services.member import ContactChange
from members.transformers.insured import (
    to_benefits,
    to_count,
    to_coverage,
    to_document,
    to_eligibility,
    to_notification,
    to_notifications,
    to_payment,
    to_personal,
)
from members.view_models.insured import Eligibility, Personal
from members.view_models.records import Document, Notification, NotificationList, Payment

PERSONAL: Final = SectionSpec(
    name="personal",
    service="member",
    call=lambda gateway, member_id: gateway.member.get_member(member_id),
    transform=to_personal,
    decides_existence=True,
    dropped_by=(Changed.MEMBER,),
)
CLAIMS_SUMMARY: Final = SectionSpec(
    name="claims",
    service="claims",
    call=lambda gateway, member_id: gateway.claims.summarize_claims(member_id=member_id),
    transform=to_claims_summary,
    dropped_by=(Changed.CLAIM,),
)
BENEFITS: Final = SectionSpec(
    name="benefits",
    service="benefit",
    call=lambda gateway, member_id: gateway.benefit.list_member_benefits(member_id),
    transform=to_benefits,
    dropped_by=(Changed.BENEFITS,),
)
COVERAGE: Final = SectionSpec(
    name="coverage",
    service="policy",
    call=lambda gateway, member_id: gateway.policy.get_coverage(member_id),
    transform=to_coverage,
    dropped_by=(Changed.COVERAGE,),
)
MEMBER_BENEFITS: Final = SectionPage.of(
    BENEFITS,
    data_class=DataClass.BENEFITS,
    subject=Subject.member,
    path="members/<id:member_id>/benefits",
    operation_id="getMemberBenefits",
    resource=Resource.MEMBER_DATA,
    tag="members",
    doc="This period's benefits by category.",
    page_doc="A member's benefits alone.",
)
MEMBER_COVERAGE: Final = SectionPage.of(
    COVERAGE,
    data_class=DataClass.COVERAGE,
    subject=Subject.member,
    path="members/<id:member_id>/coverage",
    operation_id="getMemberCoverage",
    resource=Resource.MEMBER_DATA,
    tag="members",
    doc="The coverage today.",
    page_doc="A member's coverage alone.",
)
PAYMENTS: Final = ListSpec(
    name="payments",
    service="payment",
    model=Payment,
    call=lambda gateway, asked: gateway.payment.list_payments(**asked),
    transform=to_payment,
    path="members/<id:member_id>/payments",
    operation_id="listMemberPayments",
    resource=Resource.MEMBER_DATA,
    tag="members",
    doc="One page of payments, newest first.",
    field_doc="A page of all payments, newest first.",
    dropped_by=(Changed.PAYMENTS,),
)
DOCUMENTS: Final = ListSpec(
    name="documents",
    service="document",
    model=Document,
    call=lambda gateway, asked: gateway.document.list_documents(**asked),
    transform=to_document,
    newest_by=lambda document: document.uploaded_at,
    filters=(id_filter("claim_id", "Only documents of this claim."),),
    path="members/<id:member_id>/documents",
    operation_id="listMemberDocuments",
    resource=Resource.MEMBER_DATA,
    tag="members",
    doc="One page of documents, newest first.",
    field_doc="A page of all documents, newest first.",
    dropped_by=(Changed.DOCUMENTS,),
)
MEMBERS: Final = ListSpec(
    name="members",
    service="member",
    model=Personal,
    call=lambda gateway, asked: gateway.member.search_members(**asked),
    transform=to_personal,
    filters=(SEARCH,),
    items="items",
    page_type="MemberPage",
    path="members",
    operation_id="searchMembers",
    resource=Resource.MEMBER_SEARCH,
    tag="members",
    doc="One page of members, by last name.",
    field_doc="Returns a page of members, sorted by last name.",
    rest_doc="One page of members by part of a name, e-mail or member number, by last name.",
    dropped_by=(),
)

#: What a member's profile shows, in this order, and the lists of which it shows a page beside the newest.
PROFILE: Final = (
    PERSONAL,
    CLAIMS_SUMMARY,
    BENEFITS,
    COVERAGE,
    PAYMENTS.section("member_id"),
    DOCUMENTS.section("member_id"),
)
PROFILE_PAGES: Final = (PAYMENTS, DOCUMENTS)
#: What has an address that is made from its declaration; that of the documents takes uploads as well.
ADDRESSED: Final = (MEMBERS, MEMBER_BENEFITS, MEMBER_COVERAGE, PAYMENTS)


def notification_list(
    gateway: Gateway, recipient: Subject, *, limit: int, unread: bool | None = None, counts_unread: bool = False
) -> PendingValue[NotificationList]:
    """The newest notifications of a member or a provider; only those that are unread (or read) if so asked.

    `counts_unread`: how many are unread is asked for beside them. Raises what the notification service fails with.
    """
    # The service counts nothing: one more than is shown tells whether there are more.
    asked = min(limit + 1, MAX_LIMIT)
    call = gateway.call(gateway.notification.list_notifications(recipient, unread=unread, limit=asked))
    unread_call = (
        gateway.call(gateway.notification.list_notifications(recipient, unread=True, limit=MAX_LIMIT))
        if counts_unread
        else None
    )

    def shown() -> NotificationList:
        found, section = required_section(call)
        sections: dict[str, Section[Any]] = {"notifications": section}
        if unread_call is not None:
            sections["unread_count"] = unread_call.section(to_count)
        return NotificationList(
            notifications=to_notifications(found)[:limit],
            limit=limit,
            has_more=len(found.items) + section.omitted >= max(asked, limit),
            unread_count=sections["unread_count"].value if counts_unread else None,
            meta=meta_of(sections),
        )

    return Deferred(shown)


def read_all_mark(gateway: Gateway, recipient: Subject) -> int:
    """Marks the unread notifications of a member or a provider as read, the newest 100 at most; how many.

    Raises as `written` does, by when some may be marked; it may be repeated.
    """
    unread = gateway.call(
        gateway.notification.list_notifications(recipient, unread=True, limit=MAX_LIMIT, is_kept=False)
    ).require()
    calls = [
        gateway.call(gateway.notification.mark_notification_read(notification.id, recipient))
        for notification in unread.items
    ]

    change = Change(changed=Changed.NOTIFICATIONS, **{f"{recipient.kind}_id": recipient.id})
    return len(all_written(calls, change)) if calls else 0


def eligibility(
    gateway: Gateway, member_id: str, *, provider_id: str, service_date: datetime.date
) -> PendingValue[Eligibility]:
    """Whether the member may be treated there on that day; always asked anew. Raises as the policy service fails."""
    call = gateway.call(
        gateway.policy.check_eligibility(member_id=member_id, provider_id=provider_id, service_date=service_date)
    )

    return call.then(to_eligibility)


def contact_change(gateway: Gateway, member_id: str, change: ContactChange) -> Personal:
    """Changes how a member is reached; who they are then. Raises as `written` does."""
    call = gateway.call(gateway.member.update_member_contact(member_id, change))

    return to_personal(written(call, Change(changed=Changed.MEMBER, member_id=member_id)))


def read_mark(gateway: Gateway, recipient: Subject, notification_id: str) -> Notification:
    """Marks a notification of a member or a provider as read. Raises as `written` does."""
    call = gateway.call(gateway.notification.mark_notification_read(notification_id, recipient))

    change = Change(changed=Changed.NOTIFICATIONS, **{f"{recipient.kind}_id": recipient.id})
    return to_notification(written(call, change))
