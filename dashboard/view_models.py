"""What portals see in views made of several domains."""

import datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from msgspec import UNSET, Meta, UnsetType

from claims.view_models import ClaimsSummary, ClaimSummary, Provider
from gateway_clients.audit.members import MemberId
from gateway_clients.edge.output import ViewMeta, ViewModel
from gateway_clients.edge.specs import sections_model
from members.aggregators import PROFILE
from members.view_models.benefits import BenefitsSummary
from members.view_models.insured import Coverage
from members.view_models.records import Notification

T = TypeVar("T")

Ratio = Annotated[float, Meta(ge=0, le=1)]
Newest = Annotated[T, Meta(description="The 5 newest, newest first.")]


class DashboardMember(ViewModel, frozen=True):
    """The member whose dashboard it is. Only the id is known while the member service is down."""

    id: Annotated[MemberId, Meta(description="The unique identifier of the member.", examples=["m-1"])]
    name: Annotated[str | None, Meta(description="The full name.", examples=["Siti Rahayu"])]
    plan_name: Annotated[str | None, Meta(description="The name of the plan.", examples=["Askes Gold"])]
    member_since: Annotated[
        datetime.date | None, Meta(description="The day the membership began.", examples=["2019-03-01"])
    ]


class MemberDashboard(ViewModel, frozen=True, kw_only=True):
    """What a member sees first. A section that is unavailable is null."""

    member: DashboardMember | UnsetType = UNSET
    recent_claims: Newest[tuple[ClaimSummary, ...]] | UnsetType | None = UNSET
    benefits_summary: BenefitsSummary | UnsetType | None = UNSET
    coverage_status: Coverage | UnsetType | None = UNSET
    notifications: Newest[tuple[Notification, ...]] | UnsetType | None = UNSET
    meta: ViewMeta


MemberProfile = sections_model(
    "MemberProfile",
    "Everything about a member. A section that is unavailable is null.",
    *PROFILE,
    module=__name__,
)


class ProviderDashboard(ViewModel, frozen=True, kw_only=True):
    """What a provider sees first. A section that is unavailable is null."""

    provider: Provider | UnsetType | None = UNSET
    claims_summary: ClaimsSummary | UnsetType | None = UNSET
    recent_claims: Newest[tuple[ClaimSummary, ...]] | UnsetType | None = UNSET
    notifications: Newest[tuple[Notification, ...]] | UnsetType | None = UNSET
    meta: ViewMeta


class BreakerState(StrEnum):
    """The state of the circuit breaker of a service."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class UpstreamOverview(ViewModel, frozen=True):
    """The health of one service in the last minute, over all processes of the gateway."""

    name: Annotated[str, Meta(description="The name of the service.", examples=["claims"])]
    state: BreakerState
    calls_per_second: Annotated[float, Meta(description="How many calls were made each second.")]
    error_rate: Annotated[Ratio, Meta(description="The share of calls that failed.", examples=[0.01])]
    p50_ms: Annotated[float | None, Meta(description="The median time of a call in milliseconds; null without calls.")]
    p95_ms: Annotated[
        float | None, Meta(description="The 95th percentile of the time of a call in milliseconds; null without calls.")
    ]


class CacheOverview(ViewModel, frozen=True):
    """The state of the cache, and how often it had what was asked for in the last minute."""

    hit_ratio: Annotated[
        Ratio | None, Meta(description="The share of lookups that the cache answered; null without lookups.")
    ]
    entries: Annotated[int, Meta(description="How many entries the cache holds.")]
    memory_bytes: Annotated[
        int, Meta(description="How many bytes of memory the cache uses.", extra_json_schema={"format": "int64"})
    ]


class AdminOverview(ViewModel, frozen=True, kw_only=True):
    """The state of claims, services and cache. A section that is unavailable is null."""

    claims_summary: ClaimsSummary | None
    upstreams: Annotated[tuple[UpstreamOverview, ...], Meta(description="The services that the gateway calls.")]
    cache: CacheOverview | None
    meta: ViewMeta
