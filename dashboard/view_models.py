"""What portals see in views made of several domains."""

import datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from msgspec import UNSET, Meta, UnsetType

from claims.view_models import ClaimsSummary, ClaimSummary, Provider
from gateway_clients.edge.view_models import ViewMeta, ViewModel
from members.view_models.benefits import Benefits, BenefitsSummary
from members.view_models.insured import Coverage, Personal
from members.view_models.records import Document, Notification, Payment

T = TypeVar("T")

Ratio = Annotated[float, Meta(ge=0, le=1)]
Newest = Annotated[T, Meta(description="The 5 newest, newest first.")]


class DashboardMember(ViewModel, frozen=True):
    """Whose dashboard it is; only the id when the member service cannot be asked."""

    id: Annotated[str, Meta(examples=["m-1"])]
    name: Annotated[str | None, Meta(examples=["Siti Rahayu"])]
    plan_name: Annotated[str | None, Meta(examples=["Askes Gold"])]
    member_since: Annotated[datetime.date | None, Meta(examples=["2019-03-01"])]


class MemberDashboard(ViewModel, frozen=True, kw_only=True):
    """What a member sees first. A section that is not available is null; one that was not asked for is absent."""

    member: DashboardMember | UnsetType = UNSET
    recent_claims: Newest[tuple[ClaimSummary, ...]] | UnsetType | None = UNSET
    benefits_summary: BenefitsSummary | UnsetType | None = UNSET
    coverage_status: Coverage | UnsetType | None = UNSET
    notifications: Newest[tuple[Notification, ...]] | UnsetType | None = UNSET
    meta: ViewMeta


class MemberProfile(ViewModel, frozen=True, kw_only=True):
    """All about a member. A section that is not available is null; one that was not asked for is absent."""

    personal: Personal | UnsetType | None = UNSET
    claims: ClaimsSummary | UnsetType | None = UNSET
    benefits: Benefits | UnsetType | None = UNSET
    coverage: Coverage | UnsetType | None = UNSET
    payments: Newest[tuple[Payment, ...]] | UnsetType | None = UNSET
    documents: Newest[tuple[Document, ...]] | UnsetType | None = UNSET
    meta: ViewMeta


class ProviderDashboard(ViewModel, frozen=True, kw_only=True):
    """What a provider sees first. A section that is not available is null; one that was not asked for is absent."""

    provider: Provider | UnsetType | None = UNSET
    claims_summary: ClaimsSummary | UnsetType | None = UNSET
    recent_claims: Newest[tuple[ClaimSummary, ...]] | UnsetType | None = UNSET
    notifications: Newest[tuple[Notification, ...]] | UnsetType | None = UNSET
    meta: ViewMeta


class BreakerState(StrEnum):
    """Whether an upstream is called: `half-open` means by one call at a time, to see whether it is well again."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class UpstreamOverview(ViewModel, frozen=True):
    """One upstream as the gateway's processes saw it in the last minute; the state is that of the worst of them."""

    name: Annotated[str, Meta(examples=["claims"])]
    state: BreakerState
    calls_per_second: float
    error_rate: Annotated[Ratio, Meta(description="The share of calls that failed.", examples=[0.01])]
    p50_ms: Annotated[float | None, Meta(description="Half of the calls took no longer; null without calls.")]
    p95_ms: Annotated[float | None, Meta(description="95 of 100 calls took no longer; null without calls.")]


class CacheOverview(ViewModel, frozen=True):
    """What the cache holds, and how often it had what was asked for in the last minute."""

    hit_ratio: Annotated[Ratio | None, Meta(description="Null when nothing was asked for.")]
    entries: int
    memory_bytes: Annotated[int, Meta(extra_json_schema={"format": "int64"})]


class AdminOverview(ViewModel, frozen=True, kw_only=True):
    """How all goes. A section that is not available is null."""

    claims_summary: ClaimsSummary | None
    upstreams: tuple[UpstreamOverview, ...]
    cache: CacheOverview | None
    meta: ViewMeta
