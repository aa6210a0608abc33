"""From what the claims and provider services sent to what portals see; pure functions."""

from collections.abc import Collection, Mapping
from typing import Final

from claims.view_models import (
    ClaimAction,
    ClaimDetail,
    ClaimItem,
    ClaimProvider,
    ClaimsSummary,
    ClaimStatus,
    ClaimSummary,
    ListedClaim,
    Provider,
    ProviderType,
    StatusColor,
    StatusSum,
    TimelineEntry,
)
from gateway_clients.edge.output import NEWEST, format_rupiah, known
from gateway_clients.services.claims import ClaimEventPayload, ClaimPayload, ClaimsSummaryPayload
from gateway_clients.services.payload_parser import Page
from gateway_clients.services.provider import ProviderPayload

#: What a list of claims may leave out.
LISTED_DETAILS: Final = tuple(
    name for name in ListedClaim.__struct_fields__ if name not in ClaimSummary.__struct_fields__
)
COLORS: Final[Mapping[ClaimStatus, StatusColor]] = {
    ClaimStatus.SUBMITTED: StatusColor.BLUE,
    ClaimStatus.PROCESSING: StatusColor.ORANGE,
    ClaimStatus.APPROVED: StatusColor.GREEN,
    ClaimStatus.REJECTED: StatusColor.RED,
    ClaimStatus.PAID: StatusColor.GREEN,
    ClaimStatus.CANCELLED: StatusColor.GRAY,
    ClaimStatus.UNKNOWN: StatusColor.GRAY,
}

ACTIONS: Final[Mapping[ClaimStatus, tuple[ClaimAction, ...]]] = {
    ClaimStatus.SUBMITTED: (ClaimAction.CANCEL, ClaimAction.UPLOAD_DOCUMENT),
    ClaimStatus.PROCESSING: (ClaimAction.UPLOAD_DOCUMENT,),
    ClaimStatus.APPROVED: (),
    ClaimStatus.REJECTED: (ClaimAction.APPEAL,),
    ClaimStatus.PAID: (ClaimAction.DOWNLOAD_EOB,),
    ClaimStatus.CANCELLED: (),
    ClaimStatus.UNKNOWN: (),
}


def to_claim_summary(claim: ClaimPayload) -> ClaimSummary:
    """A claim in a list."""
    status = known(claim.status, ClaimStatus)
    return ClaimSummary(
        id=claim.id,
        member_id=claim.member_id,
        provider_id=claim.provider_id,
        claim_number=claim.claim_number,
        display_number=f"CLM-{claim.claim_number}",
        status=status,
        status_color=COLORS[status],
        amount=claim.total_amount,
        formatted_amount=format_rupiah(claim.total_amount),
        service_date=claim.service_date,
        provider_name=claim.provider.name if claim.provider else None,
    )


def to_recent_claims(page: Page[ClaimPayload]) -> tuple[ClaimSummary, ...]:
    """The newest claims, at most five."""
    newest = sorted(page.items, key=lambda claim: claim.service_date, reverse=True)
    return tuple(map(to_claim_summary, newest[:NEWEST]))


def to_listed_claim(claim: ClaimPayload) -> ListedClaim:
    """A claim in a list, with the details that the list brought.

    An upstream that lists claims with their treatments and their history leaves nothing out; else a detail that is null
    or empty may have been left out, or could not be read.
    """
    detail = to_claim_detail(claim, may=())
    details = {name: getattr(detail, name) for name in LISTED_DETAILS}
    is_whole = bool(claim.items and claim.history)
    brought = {name: value for name, value in details.items() if is_whole or value not in {None, ()}}
    return ListedClaim(**{name: getattr(detail, name) for name in ClaimSummary.__struct_fields__}, **brought)


def to_claim_detail(claim: ClaimPayload, *, may: Collection[ClaimAction]) -> ClaimDetail:
    """A claim with its history, oldest first; of the actions its status allows, those the reader `may` do."""
    summary = to_claim_summary(claim)
    approved = claim.approved_amount
    provider = claim.provider
    return ClaimDetail(
        **{name: getattr(summary, name) for name in ClaimSummary.__struct_fields__},
        approved_amount=approved,
        formatted_approved_amount=None if approved is None else format_rupiah(approved),
        rejection_reason=claim.rejection_reason,
        submitted_at=claim.submitted_at,
        provider=None
        if provider is None
        else ClaimProvider(id=provider.id, name=provider.name, location=provider.location),
        items=tuple(
            ClaimItem(
                benefit_code=item.benefit_code,
                description=item.description,
                amount=item.amount,
                formatted_amount=format_rupiah(item.amount),
                quantity=item.quantity,
            )
            for item in claim.items
        ),
        timeline=tuple(map(_to_timeline_entry, sorted(claim.history, key=lambda event: event.at))),
        actions=tuple(action for action in ACTIONS[summary.status] if action in may),
    )


def _to_timeline_entry(event: ClaimEventPayload) -> TimelineEntry:
    status = known(event.status, ClaimStatus)
    return TimelineEntry(status=status, status_color=COLORS[status], at=event.at, note=event.note)


def to_claims_summary(summary: ClaimsSummaryPayload) -> ClaimsSummary:
    """Claims by status, in the order of a claim's life; those of statuses the gateway does not know are one row."""
    counts = dict.fromkeys(ClaimStatus, 0)
    amounts = dict.fromkeys(ClaimStatus, 0)
    for row in summary.by_status:
        status = known(row.status, ClaimStatus)
        counts[status] += row.count
        amounts[status] += row.total_amount
    return ClaimsSummary(
        total=summary.total,
        by_status=tuple(
            StatusSum(
                status=status,
                status_color=COLORS[status],
                count=counts[status],
                total_amount=amounts[status],
                formatted_total_amount=format_rupiah(amounts[status]),
            )
            for status in ClaimStatus
            if counts[status]
        ),
    )


def to_provider(provider: ProviderPayload) -> Provider:
    """Transforms a provider."""
    return Provider(
        id=provider.id,
        name=provider.name,
        type=None if provider.type is None else known(provider.type, ProviderType),
        location=provider.location,
        address=provider.address,
        phone=provider.phone,
        is_active=provider.is_active,
        network_tier=provider.network_tier,
    )
