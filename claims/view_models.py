"""What portals see of claims and of the providers they were made at."""

import datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from gateway_clients.edge.view_models import ViewMeta, ViewModel

Rupiah = Annotated[int, Meta(description="Whole rupiah.", examples=[500000], extra_json_schema={"format": "int64"})]
FormattedRupiah = Annotated[str, Meta(description="For people to read.", examples=["Rp 500,000"])]
Total = Annotated[int | None, Meta(description="How many there are; null when the service did not say.")]
Moment = Annotated[datetime.datetime, Meta(tz=True, description="With its offset.", examples=["2026-03-01T08:30:00Z"])]
ServiceDate = Annotated[datetime.date, Meta(description="The day of the treatment.", examples=["2026-03-01"])]


class ClaimStatus(StrEnum):
    """Where a claim stands; one the gateway does not know is `unknown`."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAID = "paid"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


#: Those that may be asked for.
STATUSES: Final = tuple(status.value for status in ClaimStatus if status is not ClaimStatus.UNKNOWN)


class StatusColor(StrEnum):
    """The color portals show a status in."""

    BLUE = "blue"
    ORANGE = "orange"
    GREEN = "green"
    RED = "red"
    GRAY = "gray"


class ClaimAction(StrEnum):
    """What may be done with a claim as it stands."""

    CANCEL = "cancel"
    UPLOAD_DOCUMENT = "upload_document"
    APPEAL = "appeal"
    DOWNLOAD_EOB = "download_eob"


class ClaimSummary(ViewModel, frozen=True):
    """A claim in a list."""

    id: Annotated[str, Meta(examples=["clm-000123"])]
    member_id: Annotated[str, Meta(examples=["m-1"])]
    provider_id: Annotated[str | None, Meta(examples=["p-7"])]
    claim_number: Annotated[str, Meta(examples=["2026-000123"])]
    display_number: Annotated[str, Meta(examples=["CLM-2026-000123"])]
    status: ClaimStatus
    status_color: StatusColor
    amount: Rupiah
    formatted_amount: FormattedRupiah
    service_date: ServiceDate
    provider_name: Annotated[str | None, Meta(examples=["RS Sehat Bandung"])]


class ClaimProvider(ViewModel, frozen=True):
    """Who treated the member, as the claim tells."""

    id: str | None
    name: str | None
    location: Annotated[str | None, Meta(examples=["Bandung, Jawa Barat"])]


class ClaimItem(ViewModel, frozen=True):
    """One treatment on a claim."""

    benefit_code: Annotated[str, Meta(examples=["CONS-GP"])]
    description: str | None
    amount: Rupiah
    quantity: Annotated[int, Meta(examples=[1])]


class TimelineEntry(ViewModel, frozen=True):
    """One step of a claim's history."""

    status: ClaimStatus
    status_color: StatusColor
    at: Moment
    note: str | None


class ClaimDetail(ClaimSummary, frozen=True):
    """A claim with all that is known of it, and what the reader may do with it now."""

    approved_amount: Rupiah | None
    formatted_approved_amount: FormattedRupiah | None
    rejection_reason: str | None
    submitted_at: Moment | None
    provider: ClaimProvider | None
    items: tuple[ClaimItem, ...]
    timeline: Annotated[tuple[TimelineEntry, ...], Meta(description="Oldest first.")]
    actions: Annotated[
        tuple[ClaimAction, ...],
        Meta(description="What the status allows and this caller may do.", examples=[["cancel"]]),
    ]


class ClaimList(ViewModel, frozen=True):
    """One page of claims, newest service date first."""

    claims: tuple[ClaimSummary, ...]
    total: Total
    limit: int
    offset: int
    meta: ViewMeta


class StatusSum(ViewModel, frozen=True):
    """How many claims stand at one status, and what they come to."""

    status: ClaimStatus
    status_color: StatusColor
    count: int
    total_amount: Rupiah
    formatted_total_amount: FormattedRupiah


class ClaimsSummary(ViewModel, frozen=True):
    """Claims counted and summed by status."""

    total: int
    by_status: tuple[StatusSum, ...]


class ProviderType(StrEnum):
    """What kind of place a provider is; one the gateway does not know is `unknown`."""

    HOSPITAL = "hospital"
    CLINIC = "clinic"
    PHARMACY = "pharmacy"
    LABORATORY = "laboratory"
    UNKNOWN = "unknown"


class Provider(ViewModel, frozen=True):
    """A hospital, clinic, pharmacy or laboratory."""

    id: Annotated[str, Meta(examples=["p-7"])]
    name: Annotated[str, Meta(examples=["RS Sehat Bandung"])]
    type: ProviderType | None
    location: Annotated[str | None, Meta(description="City, province.", examples=["Bandung, Jawa Barat"])]
    address: str | None
    phone: str | None
    is_active: bool
    network_tier: str | None


class ProviderList(ViewModel, frozen=True):
    """One page of providers, by name."""

    items: tuple[Provider, ...]
    total: Total
    limit: int
    offset: int
    meta: ViewMeta


class SubmissionStatus(StrEnum):
    """How far a submission, cancellation or appeal has got."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    REFUSED = "refused"


class PendingSubmission(ViewModel, frozen=True):
    """It was sent, and nobody knows yet what became of it; that is being found out."""

    submission_id: Annotated[str, Meta(examples=["3f1c9a52-8a44-4a0e-9d56-2f6b0c1d7e80"])]
    status: SubmissionStatus


class SubmissionError(ViewModel, frozen=True):
    """Why it was refused; `code` is one of the problems'."""

    code: Annotated[str, Meta(examples=["upstream_refused"])]
    title: str
    detail: str
    status: Annotated[int, Meta(examples=[422])]


class Submission(ViewModel, frozen=True):
    """What became of a submission, cancellation or appeal, as it is known now."""

    submission_id: Annotated[str, Meta(examples=["3f1c9a52-8a44-4a0e-9d56-2f6b0c1d7e80"])]
    status: SubmissionStatus
    claim: ClaimDetail | None
    error: SubmissionError | None


class ClaimResponse(ViewModel, frozen=True):
    """What came of a submission: the claim, or (`status` pending) under which id to ask for it later."""

    id: str | None
    claim_number: str | None
    status: str
    claim: ClaimDetail | None
    submission_id: str | None
