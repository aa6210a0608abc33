"""What portals see of notifications, payments and documents."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from gateway_clients.edge.output import FormattedRupiah, HasMore, Moment, Rupiah, ViewMeta, ViewModel


class Notification(ViewModel, frozen=True):
    """A notification to a member or a provider."""

    id: Annotated[str, Meta(description="The unique identifier of the notification.")]
    type: Annotated[
        str, Meta(description="What it is about. New types can appear at any time.", examples=["claim_submitted"])
    ]
    title: Annotated[str, Meta(description="The title.")]
    body: Annotated[str | None, Meta(description="The text.")]
    created_at: Annotated[Moment, Meta(description="When it was sent.")]
    is_read: Annotated[bool, Meta(description="Whether it was marked as read.")]
    claim_id: Annotated[str | None, Meta(description="The claim that it is about, if any.")]


class PaymentStatus(StrEnum):
    """The status of a payment."""

    SCHEDULED = "scheduled"
    PAID = "paid"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Payment(ViewModel, frozen=True):
    """A payment for a claim."""

    id: Annotated[str, Meta(description="The unique identifier of the payment.")]
    claim_id: Annotated[str, Meta(description="The claim that is paid for.")]
    amount: Annotated[Rupiah, Meta(description="The amount of the payment, in whole rupiah.")]
    formatted_amount: Annotated[FormattedRupiah, Meta(description="The amount of the payment as text.")]
    status: PaymentStatus
    paid_at: Annotated[Moment | None, Meta(description="When it was paid; null before.")]
    method: Annotated[str | None, Meta(description="How it is paid.")]


class Document(ViewModel, frozen=True):
    """A document of a member."""

    id: Annotated[str, Meta(description="The unique identifier of the document.")]
    claim_id: Annotated[str | None, Meta(description="The claim that it belongs to, if any.")]
    name: Annotated[str, Meta(description="The file name.", examples=["invoice.pdf"])]
    kind: Annotated[str | None, Meta(description="What the document is, such as `invoice`.", examples=["invoice"])]
    content_type: Annotated[str, Meta(description="The media type of the content.", examples=["application/pdf"])]
    size_bytes: Annotated[
        int, Meta(description="The size of the content in bytes.", extra_json_schema={"format": "int64"})
    ]
    uploaded_at: Annotated[Moment, Meta(description="When it was uploaded.")]
    content_url: Annotated[
        str | None,
        Meta(
            description="The address of its bytes at the gateway, for a request with the access token.",
            examples=["/api/v1/members/m-1/documents/doc-1/content"],
        ),
    ]


class DocumentLink(ViewModel, frozen=True):
    """An address of a document's bytes that needs no token: for one download, within a minute."""

    url: Annotated[
        str, Meta(examples=["https://gateway.example/api/v1/members/m-1/documents/doc-1/content?link=2Zk4yH…"])
    ]
    expires_at: Moment


class ReadCount(ViewModel, frozen=True):
    """The number of notifications that were marked as read."""

    read: Annotated[int, Meta(description="How many notifications were marked.")]


class NotificationList(ViewModel, frozen=True):
    """The newest notifications."""

    notifications: Annotated[tuple[Notification, ...], Meta(description="The notifications, newest first.")]
    limit: Annotated[int, Meta(description="How many were asked for.")]
    has_more: HasMore
    unread_count: Annotated[
        int | None,
        Meta(description="How many are unread, also beyond this list; 100 means 100 or more. Null when unknown."),
    ]
    meta: ViewMeta
