"""From payloads, and what the gateway knows of itself, to what only the dashboards show; pure functions."""

from dashboard.view_models import BreakerState, CacheOverview, DashboardMember, UpstreamOverview
from gateway_clients.caching.size import CacheSize
from gateway_clients.pipeline.fleet_health import UpstreamHealth
from gateway_clients.services.member import MemberPayload
from members.transformers.insured import to_name


def to_dashboard_member(member: MemberPayload) -> DashboardMember:
    """Whose dashboard it is."""
    return DashboardMember(
        id=member.id,
        name=to_name(member),
        plan_name=member.plan.name if member.plan else None,
        member_since=member.enrollment_date,
    )


def to_unknown_member(member_id: str) -> DashboardMember:
    """Returns a member of whom only the id is known."""
    return DashboardMember(id=member_id, name=None, plan_name=None, member_since=None)


def to_upstream_overview(health: UpstreamHealth) -> UpstreamOverview:
    """How an upstream fares."""
    return UpstreamOverview(
        name=health.name,
        state=BreakerState(health.state),
        calls_per_second=health.calls_per_second,
        error_rate=health.error_rate,
        p50_ms=health.p50_ms,
        p95_ms=health.p95_ms,
    )


def to_cache_overview(size: CacheSize, hit_ratio: float | None) -> CacheOverview:
    """How the cache fares."""
    return CacheOverview(
        hit_ratio=None if hit_ratio is None else round(hit_ratio, 4),
        entries=size.entries,
        memory_bytes=size.memory_bytes,
    )
