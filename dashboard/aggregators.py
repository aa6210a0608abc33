"""Which sections make the views of several domains."""

from typing import Any, Final

from claims.transformers import to_claims_summary, to_provider, to_recent_claims
from dashboard.transformers import (
    to_cache_overview,
    to_dashboard_member,
    to_unknown_member,
    to_upstream_overview,
)
from dashboard.view_models import AdminOverview
from gateway_clients.caching.keys import Subject
from gateway_clients.caching.size import CacheSize, cache_size
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.edge.output import NEWEST, meta_of
from gateway_clients.gateway import Gateway, SectionSpec, ViewSpec
from gateway_clients.invalidation.rules import Changed
from gateway_clients.pipeline.fleet_health import fleet_health
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.section import Section
from gateway_clients.redis_access.circuit import CacheDownError
from members import aggregators as members
from members.transformers.insured import to_benefits_summary, to_coverage, to_newest_notifications

#: Why the gateway's own numbers are missing: Redis, where the processes tell each other, does not answer.
UNAVAILABLE: Final = "upstream_unavailable"

MEMBER_DASHBOARD: Final = ViewSpec(
    name="member_dashboard",
    data_class=DataClass.DASHBOARD,
    subject=Subject.member,
    sections=(
        SectionSpec(
            name="member",
            service="member",
            call=lambda gateway, member_id: gateway.member.get_member(member_id),
            transform=to_dashboard_member,
            dropped_by=(Changed.MEMBER,),
            fallback=to_unknown_member,
            decides_existence=True,
        ),
        SectionSpec(
            name="recent_claims",
            service="claims",
            call=lambda gateway, member_id: gateway.claims.list_claims(member_id=member_id, limit=NEWEST),
            transform=to_recent_claims,
            dropped_by=(Changed.CLAIM,),
        ),
        SectionSpec(
            name="benefits_summary",
            service="benefit",
            call=lambda gateway, member_id: gateway.benefit.list_member_benefits(member_id),
            transform=to_benefits_summary,
            dropped_by=(Changed.BENEFITS,),
        ),
        SectionSpec(
            name="coverage_status",
            service="policy",
            call=lambda gateway, member_id: gateway.policy.get_coverage(member_id),
            transform=to_coverage,
            dropped_by=(Changed.COVERAGE,),
        ),
        SectionSpec(
            name="notifications",
            service="notification",
            call=lambda gateway, member_id: gateway.notification.list_notifications(
                Subject.member(member_id), limit=NEWEST
            ),
            transform=to_newest_notifications,
            dropped_by=(Changed.NOTIFICATIONS,),
        ),
    ),
)

MEMBER_PROFILE: Final = ViewSpec(
    name="member_profile", data_class=DataClass.DASHBOARD, subject=Subject.member, sections=members.PROFILE
)

PROVIDER_DASHBOARD: Final = ViewSpec(
    name="provider_dashboard",
    data_class=DataClass.DASHBOARD,
    subject=Subject.provider,
    sections=(
        SectionSpec(
            name="provider",
            service="provider",
            call=lambda gateway, provider_id: gateway.provider.get_provider(provider_id),
            transform=to_provider,
            dropped_by=(Changed.PROVIDER,),
            decides_existence=True,
        ),
        SectionSpec(
            name="claims_summary",
            service="claims",
            call=lambda gateway, provider_id: gateway.claims.summarize_claims(provider_id=provider_id),
            transform=to_claims_summary,
            dropped_by=(Changed.CLAIM,),
        ),
        SectionSpec(
            name="recent_claims",
            service="claims",
            call=lambda gateway, provider_id: gateway.claims.list_claims(provider_id=provider_id, limit=NEWEST),
            transform=to_recent_claims,
            dropped_by=(Changed.CLAIM,),
        ),
        SectionSpec(
            name="notifications",
            service="notification",
            call=lambda gateway, provider_id: gateway.notification.list_notifications(
                Subject.provider(provider_id), limit=NEWEST
            ),
            transform=to_newest_notifications,
            dropped_by=(Changed.NOTIFICATIONS,),
        ),
    ),
)


def admin_overview(gateway: Gateway, *, has_claims: bool = True) -> AdminOverview:
    """All claims by status, how each upstream fares over all processes, and the cache. No failure fails it.

    Without `has_claims` nobody is called, and the claims are absent.
    """
    call = gateway.call(gateway.claims.summarize_claims()) if has_claims else None

    sections: dict[str, Section[Any]] = {} if call is None else {"claims_summary": call.section(to_claims_summary)}
    known = fleet_health()
    # What this process alone knows is better than nothing, and labelled so.
    sections["upstreams"] = Section(
        tuple(map(to_upstream_overview, known.upstreams)),
        SectionState.FRESH if known.is_whole else SectionState.FALLBACK,
        error=None if known.is_whole else UNAVAILABLE,
    )
    size = _size_of_cache()
    sections["cache"] = (
        Section(None, SectionState.UNAVAILABLE, error=UNAVAILABLE)
        if size is None
        else Section(to_cache_overview(size, known.hit_ratio), SectionState.FRESH)
    )
    return AdminOverview(
        claims_summary=sections["claims_summary"].value if has_claims else None,
        upstreams=sections["upstreams"].value or (),
        cache=sections["cache"].value,
        meta=meta_of(sections),
    )


def _size_of_cache() -> CacheSize | None:
    try:
        return cache_size(default_cache().circuit)
    except CacheDownError:
        return None
