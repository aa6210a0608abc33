"""The claims service: claims, their history, and what is asked of them."""

import datetime
from typing import Any

import msgspec

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import SAMPLE_ITEMS, Service, representation_of
from gateway_clients.services.payload_parser import Amount, Count, Moment, Page, Parser, Payload, hold_in_utc, one, page


class ClaimItemPayload(Payload, frozen=True):
    """One treatment on a claim."""

    benefit_code: str
    amount: Amount
    description: str | None = None
    quantity: Count = 1


class ClaimEventPayload(Payload, frozen=True):
    """One step of a claim's history."""

    status: str
    at: Moment
    note: str | None = None

    def __post_init__(self) -> None:
        """Moments are kept in UTC."""
        hold_in_utc(self, "at")


class ClaimProviderPayload(Payload, frozen=True):
    """Who treated the member."""

    id: str | None = None
    name: str | None = None
    location: str | None = None


class ClaimPayload(Payload, frozen=True):
    """A claim."""

    id: str
    claim_number: str
    member_id: str
    status: str
    service_date: datetime.date
    total_amount: Amount
    submitted_at: Moment | None = None
    approved_amount: Amount | None = None
    rejection_reason: str | None = None
    provider: ClaimProviderPayload | None = None
    items: tuple[ClaimItemPayload, ...] = ()
    history: tuple[ClaimEventPayload, ...] = ()

    def __post_init__(self) -> None:
        """Moments are kept in UTC."""
        hold_in_utc(self, "submitted_at")

    @property
    def provider_id(self) -> str | None:
        """The provider it was made at, where the service says so."""
        return self.provider.id if self.provider else None


class StatusSumPayload(Payload, frozen=True):
    """How many claims have one status, and what they come to."""

    status: str
    count: Count
    total_amount: Amount


class ClaimsSummaryPayload(Payload, frozen=True):
    """Counts and sums by status."""

    total: Count
    by_status: tuple[StatusSumPayload, ...]


class NewClaimItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One treatment on a claim that is being submitted."""

    benefit_code: str
    amount: int
    description: str | None = None
    quantity: int = 1


class NewClaim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A claim that is being submitted, with the answers of the services that were asked about it before."""

    member_id: str
    provider_id: str
    service_date: datetime.date
    items: tuple[NewClaimItem, ...]
    eligibility: Any
    benefit_validations: tuple[Any, ...]
    submitted_by: str
    diagnosis_code: str | None = None
    notes: str | None = None


class ClaimsService(Service):
    """The typed client of the claims service."""

    name = "claims"

    def sample(self, member_id: str) -> Call[Page[ClaimPayload]]:
        return self.list_claims(member_id=member_id, limit=SAMPLE_ITEMS)

    def list_claims(
        self,
        *,
        member_id: str | None = None,
        provider_id: str | None = None,
        status: str | None = None,
        service_date_from: datetime.date | None = None,
        service_date_to: datetime.date | None = None,
        limit: int = 20,
        offset: int = 0,
        reader: Subject | None = None,
    ) -> Call[Page[ClaimPayload]]:
        """Claims of a member, at a provider, or both; newest service date first. Those of everybody are never kept."""
        filters = {
            "status": status,
            "service_date_from": service_date_from,
            "service_date_to": service_date_to,
            "limit": limit,
            "offset": offset,
        }

        def is_asked_for(claim: ClaimPayload) -> bool:
            is_theirs = member_id is None or claim.member_id == member_id
            return is_theirs and (provider_id is None or claim.provider_id == provider_id)

        subjects = _subjects(member_id, provider_id)
        key = None
        if subjects:
            key = CacheKey(
                DataClass.CLAIMS,
                representation_of("list", {"provider_id": provider_id if member_id else None, **filters}),
                subject=subjects[0],
                reader=reader,
                also_about=subjects[1:],
            )
        query = {"member_id": member_id, "provider_id": provider_id, **filters}
        return self._read(
            "listClaims", ("claims",), page(ClaimPayload, is_asked_for=is_asked_for), query=query, key=key
        )

    def get_claim(
        self, claim_id: str, *, member_id: str | None = None, reader: Subject | None = None
    ) -> Call[ClaimPayload]:
        """One claim; kept only where it is known whose it ought to be. The caller checks that it is theirs."""
        key = None
        if member_id is not None:
            key = CacheKey(
                DataClass.CLAIMS,
                f"claim:{claim_id}",
                subject=Subject.member(member_id),
                reader=reader,
                also_about=(Subject.claim(claim_id),),
            )
        return self._read("getClaim", ("claims", claim_id), _claim(claim_id, needs_lists=True), key=key)

    def summarize_claims(
        self, *, member_id: str | None = None, provider_id: str | None = None
    ) -> Call[ClaimsSummaryPayload]:
        """Counts and sums by status, over a member, a provider, or everything."""
        query = {"member_id": member_id, "provider_id": provider_id}
        subjects = _subjects(member_id, provider_id)
        key = CacheKey(
            DataClass.SUMMARY,
            representation_of("claims", {"provider_id": provider_id if member_id else None}),
            subject=subjects[0] if subjects else None,
            also_about=subjects[1:],
        )
        return self._read("summarizeClaims", ("claims", "summary"), one(ClaimsSummaryPayload), query=query, key=key)

    def submit_claim(self, claim: NewClaim, *, idempotency_key: str) -> Call[ClaimPayload]:
        """Submits a claim; repeated with the same key it answers the first one again."""
        parse = one(ClaimPayload, is_asked_for=lambda made: made.member_id == claim.member_id)
        return self._write("submitClaim", ("claims",), parse, body=claim, idempotency_key=idempotency_key)

    def cancel_claim(self, claim_id: str, *, reason: str | None = None, idempotency_key: str) -> Call[ClaimPayload]:
        """Cancels a claim that is still submitted; otherwise it is a conflict."""
        body = {} if reason is None else {"reason": reason}
        path = ("claims", claim_id, "cancel")
        return self._write("cancelClaim", path, _claim(claim_id), body=body, idempotency_key=idempotency_key)

    def appeal_claim(self, claim_id: str, *, reason: str, idempotency_key: str) -> Call[ClaimPayload]:
        """Sends a rejected claim back to processing; otherwise it is a conflict."""
        path = ("claims", claim_id, "appeal")
        return self._write(
            "appealClaim", path, _claim(claim_id), body={"reason": reason}, idempotency_key=idempotency_key
        )


def _claim(claim_id: str, *, needs_lists: bool = False) -> Parser[ClaimPayload]:
    """Reads a write's claim leniently: an unreadable list must not make the outcome unknown; a read fails for it."""
    return one(ClaimPayload, is_asked_for=lambda claim: claim.id == claim_id, needs_lists=needs_lists)


def _subjects(member_id: str | None, provider_id: str | None) -> tuple[Subject, ...]:
    member = () if member_id is None else (Subject.member(member_id),)
    provider = () if provider_id is None else (Subject.provider(provider_id),)
    return member + provider
