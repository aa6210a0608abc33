"""What portals see of claims and of the providers they were made at."""

import datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from gateway_clients.audit.members import MemberId
from gateway_clients.edge.output import FormattedRupiah, Moment, Rupiah, ViewMeta, ViewModel
from gateway_clients.errors import ErrorCode

ServiceDate = Annotated[datetime.date, Meta(description="The day of treatment.", examples=["2026-03-01"])]


class ClaimStatus(StrEnum):
    """The status of a claim."""

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
    """The color that portals show a status in."""

    BLUE = "blue"
    ORANGE = "orange"
    GREEN = "green"
    RED = "red"
    GRAY = "gray"


class ClaimAction(StrEnum):
    """An action on a claim."""

    CANCEL = "cancel"
    UPLOAD_DOCUMENT = "upload_document"
    APPEAL = "appeal"
    DOWNLOAD_EOB = "download_eob"


class ClaimSummary(ViewModel, frozen=True):
    """A claim in a list."""

    id: Annotated[str, Meta(description="The unique identifier of the claim.", examples=["clm-000123"])]
    member_id: Annotated[MemberId, Meta(description="The member who was treated.", examples=["m-1"])]
    provider_id: Annotated[
        str | None,
        Meta(description="The provider that treated the member; null when the service does not say.", examples=["p-7"]),
    ]
    claim_number: Annotated[
        str, Meta(description="The number of the claim, without a prefix.", examples=["2026-000123"])
    ]
    display_number: Annotated[
        str, Meta(description="The number of the claim as it is shown to people.", examples=["CLM-2026-000123"])
    ]
    status: ClaimStatus
    status_color: StatusColor
    amount: Annotated[Rupiah, Meta(description="The amount that was claimed, in whole rupiah.")]
    formatted_amount: Annotated[FormattedRupiah, Meta(description="The amount that was claimed as text.")]
    service_date: ServiceDate
    provider_name: Annotated[
        str | None, Meta(description="The name of the provider that treated the member.", examples=["RS Sehat Bandung"])
    ]


class ClaimProvider(ViewModel, frozen=True):
    """The provider that treated the member, as the claim tells."""

    id: Annotated[str | None, Meta(description="The provider that treated the member.")]
    name: Annotated[str | None, Meta(description="The name of the provider.")]
    location: Annotated[str | None, Meta(description="City, province.", examples=["Bandung, Jawa Barat"])]


class ClaimItem(ViewModel, frozen=True):
    """A treatment on a claim."""

    benefit_code: Annotated[
        str, Meta(description="The code of the benefit that covers the treatment.", examples=["CONS-GP"])
    ]
    description: Annotated[str | None, Meta(description="What was done.")]
    amount: Annotated[Rupiah, Meta(description="The price of one unit, in whole rupiah.")]
    formatted_amount: Annotated[FormattedRupiah, Meta(description="The price of one unit as text.")]
    quantity: Annotated[int, Meta(description="How many units.", examples=[1])]


class TimelineEntry(ViewModel, frozen=True):
    """A step in the history of a claim."""

    status: Annotated[ClaimStatus, Meta(description="The status that the claim had from then on.")]
    status_color: StatusColor
    at: Annotated[Moment, Meta(description="When it happened.")]
    note: Annotated[str | None, Meta(description="A note of the insurer.")]


class ClaimDetail(ClaimSummary, frozen=True):
    """A claim for reimbursement of treatments."""

    approved_amount: Annotated[
        Rupiah | None, Meta(description="The amount that was approved, in whole rupiah; null before.")
    ]
    formatted_approved_amount: Annotated[
        FormattedRupiah | None, Meta(description="The amount that was approved as text.")
    ]
    rejection_reason: Annotated[str | None, Meta(description="Why the claim was rejected; null for any other claim.")]
    submitted_at: Annotated[Moment | None, Meta(description="When the claim was submitted.")]
    provider: ClaimProvider | None
    items: Annotated[tuple[ClaimItem, ...], Meta(description="The treatments that the claim is for.")]
    timeline: Annotated[tuple[TimelineEntry, ...], Meta(description="The history of the claim, oldest first.")]
    actions: Annotated[
        tuple[ClaimAction, ...],
        Meta(description="What the status allows and you are allowed to do.", examples=[["cancel"]]),
    ]
    meta: ViewMeta | UnsetType = UNSET


class ListedClaim(ClaimSummary, frozen=True):
    """A claim in a list, with as much of its details as the list brought; the rest is unset."""

    approved_amount: Rupiah | UnsetType | None = UNSET
    formatted_approved_amount: FormattedRupiah | UnsetType | None = UNSET
    rejection_reason: str | UnsetType | None = UNSET
    submitted_at: Moment | UnsetType | None = UNSET
    items: tuple[ClaimItem, ...] | UnsetType = UNSET
    timeline: tuple[TimelineEntry, ...] | UnsetType = UNSET


class StatusSum(ViewModel, frozen=True):
    """The number and the total of all claims with one status."""

    status: ClaimStatus
    status_color: StatusColor
    count: Annotated[int, Meta(description="How many claims have this status.")]
    total_amount: Annotated[Rupiah, Meta(description="The sum of the claimed amounts, in whole rupiah.")]
    formatted_total_amount: Annotated[FormattedRupiah, Meta(description="The sum of the claimed amounts as text.")]


class ClaimsSummary(ViewModel, frozen=True):
    """Claims, counted and added up by status."""

    total: Annotated[int, Meta(description="How many claims there are.")]
    by_status: Annotated[
        tuple[StatusSum, ...], Meta(description="The number and total of the claims with each status that occurs.")
    ]


class ProviderType(StrEnum):
    """The type of a provider."""

    HOSPITAL = "hospital"
    CLINIC = "clinic"
    PHARMACY = "pharmacy"
    LABORATORY = "laboratory"
    UNKNOWN = "unknown"


class Provider(ViewModel, frozen=True):
    """A hospital, clinic, pharmacy or laboratory."""

    id: Annotated[str, Meta(description="The unique identifier of the provider.", examples=["p-7"])]
    name: Annotated[str, Meta(description="The name of the provider.", examples=["RS Sehat Bandung"])]
    type: ProviderType | None
    location: Annotated[str | None, Meta(description="City, province.", examples=["Bandung, Jawa Barat"])]
    address: Annotated[str | None, Meta(description="The street address.")]
    phone: Annotated[str | None, Meta(description="The phone number.")]
    is_active: Annotated[bool, Meta(description="Whether claims can be submitted for the provider.")]
    network_tier: Annotated[str | None, Meta(description="The tier of the provider in the network of the insurer.")]
    meta: ViewMeta | UnsetType = UNSET


class SubmissionStatus(StrEnum):
    """The state of a submission, cancellation or appeal."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    REFUSED = "refused"


class PendingSubmission(ViewModel, frozen=True):
    """A request that was sent and whose outcome is not known yet. It is being found out in the background."""

    submission_id: Annotated[
        str,
        Meta(description="The submission to ask for the outcome.", examples=["3f1c9a52-8a44-4a0e-9d56-2f6b0c1d7e80"]),
    ]
    status: SubmissionStatus


class SubmissionError(ViewModel, frozen=True):
    """Why a submission, cancellation or appeal was refused."""

    code: Annotated[ErrorCode, Meta(examples=["upstream_refused"])]
    title: Annotated[str, Meta(description="A short summary of the problem.")]
    detail: Annotated[str, Meta(description="What went wrong, for people to read.")]
    status: Annotated[int, Meta(description="The HTTP status that REST answers with.", examples=[422])]


class Submission(ViewModel, frozen=True):
    """A submission, cancellation or appeal, as far as its outcome is known now."""

    submission_id: Annotated[
        str,
        Meta(description="The unique identifier of the submission.", examples=["3f1c9a52-8a44-4a0e-9d56-2f6b0c1d7e80"]),
    ]
    status: SubmissionStatus
    claim: Annotated[ClaimDetail | None, Meta(description="The claim, once the request was carried out.")]
    error: Annotated[SubmissionError | None, Meta(description="Why it was refused; null otherwise.")]


class ClaimResponse(ViewModel, frozen=True):
    """The outcome of submitting, cancelling or appealing a claim.

    While `status` is `pending` the outcome is not known yet. Query `submission` with `submissionId` until it is.
    """

    id: Annotated[str | None, Meta(description="The claim; null while the outcome is not known.")]
    claim_number: Annotated[
        str | None, Meta(description="The number of the claim; null while the outcome is not known.")
    ]
    status: SubmissionStatus
    claim: Annotated[
        ClaimDetail | None, Meta(description="The claim as it is now; null while the outcome is not known.")
    ]
    submission_id: Annotated[str | None, Meta(description="The submission to query while the outcome is not known.")]
