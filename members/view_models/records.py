"""What portals see of notifications, payments and documents."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from claims.view_models import FormattedRupiah, Moment, Rupiah, Total
from gateway_clients.edge.view_models import ViewMeta, ViewModel


class Notification(ViewModel, frozen=True):
    """Something a member or a provider was told."""

    id: str
    type: Annotated[str, Meta(examples=["claim_submitted"])]
    title: str
    body: str | None
    created_at: Moment
    is_read: bool
    claim_id: str | None


class PaymentStatus(StrEnum):
    """Where a payment stands; one the gateway does not know is `unknown`."""

    SCHEDULED = "scheduled"
    PAID = "paid"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Payment(ViewModel, frozen=True):
    """What was or will be paid for a claim."""

    id: str
    claim_id: str
    amount: Rupiah
    formatted_amount: FormattedRupiah
    status: PaymentStatus
    paid_at: Moment | None
    method: str | None


class Document(ViewModel, frozen=True):
    """What a document is."""

    id: str
    claim_id: str | None
    name: Annotated[str, Meta(examples=["invoice.pdf"])]
    kind: Annotated[str | None, Meta(examples=["invoice"])]
    content_type: Annotated[str, Meta(examples=["application/pdf"])]
    size_bytes: Annotated[int, Meta(extra_json_schema={"format": "int64"})]
    uploaded_at: Moment


class PaymentList(ViewModel, frozen=True):
    """One page of payments, newest first."""

    payments: tuple[Payment, ...]
    total: Total
    limit: int
    offset: int
    meta: ViewMeta


class DocumentList(ViewModel, frozen=True):
    """One page of documents, newest first."""

    documents: tuple[Document, ...]
    total: Total
    limit: int
    offset: int
    meta: ViewMeta


class NotificationList(ViewModel, frozen=True):
    """The newest notifications."""

    notifications: tuple[Notification, ...]
    limit: int
    meta: ViewMeta
