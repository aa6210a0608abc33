"""Views made of several domains over GraphQL."""

from collections.abc import Mapping
from typing import Any, Final

from graphene import ID, Argument, Boolean, Field, List, NonNull, ObjectType, String

from dashboard.aggregators import MEMBER_DASHBOARD, MEMBER_PROFILE, PROVIDER_DASHBOARD, admin_overview
from dashboard.view_models import (
    AdminOverview,
    BreakerState,
    CacheOverview,
    MemberDashboard,
    MemberProfile,
    ProviderDashboard,
    UpstreamOverview,
)
from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access import Resource, allowed
from gateway_clients.edge.graphql.arguments import limit_argument, required_id
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.graphql.section_view import Part, SectionView, missing_of
from gateway_clients.edge.graphql.specified import page_name, page_part
from gateway_clients.edge.graphql.type_registry import Source
from gateway_clients.edge.graphql.types import TYPES
from gateway_clients.edge.input import checked_page
from gateway_clients.pipeline.pending_value import PendingValue
from members.aggregators import PROFILE_PAGES, notification_list
from members.schema_types import NOTIFICATION, NOTIFICATION_PAGE
from members.view_models.records import Notification

#: Fields of the dashboard itself that come from its section `member`.
OF_MEMBER: Final = dict.fromkeys(("name", "plan_name", "member_since"), "member")


def _notifications(
    root: Mapping[str, Any], info: ResolverInfo, *, limit: int
) -> PendingValue[tuple[Notification, ...]]:
    recipient = Subject.member(root["member_id"])
    page = notification_list(info.context.gateway, recipient, limit=checked_page(limit).limit)
    return page.then(lambda found: found.notifications)


def _notification_page(
    root: Mapping[str, Any], info: ResolverInfo, *, limit: int, unread: bool | None = None
) -> PendingValue[dict[str, Any]]:
    found = notification_list(
        info.context.gateway,
        Subject.member(root["member_id"]),
        limit=checked_page(limit).limit,
        unread=unread,
        counts_unread="unread_count" in info.selection.sources,
    )
    return found.then(lambda page: info.shown(page) | missing_of(page.meta))


NOTIFICATIONS: Final = Field(List(NonNull(NOTIFICATION)), **limit_argument(), description="The newest notifications.")
UNREAD: Final = Field(
    NOTIFICATION_PAGE,
    unread=Argument(Boolean, description="Only those that are unread (true) or read (false)."),
    **limit_argument(),
    description="The newest notifications, with the number of unread ones.",
)
#: Fields of the profile with arguments and calls of their own: how they are declared, and their resolvers.
PAGES: Final = {page_name(spec): page_part(spec, "member_id") for spec in PROFILE_PAGES}
PARTS: Final[Mapping[str, Part]] = {name: part for name, (_, part) in PAGES.items()} | {
    "notifications": _notifications,
    "notification_page": _notification_page,
}
DASHBOARD: Final = SectionView(spec=MEMBER_DASHBOARD, flattened=OF_MEMBER)
PROFILE: Final = SectionView(spec=MEMBER_PROFILE, parts=PARTS)
PROVIDER: Final = SectionView(spec=PROVIDER_DASHBOARD)

TYPES.enum(
    BreakerState,
    closed="The service is called.",
    half_open="The service is called by one request at a time, to see whether it has recovered.",
    open="The service is not called.",
)
TYPES.make(UpstreamOverview, identity="{name}")
TYPES.make(CacheOverview, identity="cache")
MEMBER_DASHBOARD_TYPE = TYPES.make(
    MemberDashboard,
    identity="",
    without=("member",),
    more={
        "member_id": (Field(NonNull(ID), description="The member whose dashboard it is."), Source("member_id")),
        "name": (Field(String, description="The member's full name."), Source("name")),
        "plan_name": (Field(String, description="The name of the member's plan."), Source("plan_name")),
        "member_since": (Field(Date, description="The day the membership began."), Source("member_since")),
    },
)
MEMBER_PROFILE_TYPE = TYPES.make(
    MemberProfile,
    identity="",
    more={
        "notifications": (NOTIFICATIONS, Source("notifications")),
        "notification_page": (UNREAD, Source("notification_page")),
        **{name: declared for name, (declared, _) in PAGES.items()},
    },
)
PROVIDER_DASHBOARD_TYPE = TYPES.make(ProviderDashboard, identity="")
ADMIN_OVERVIEW_TYPE = TYPES.make(AdminOverview, identity="")


class Query(ObjectType):
    """The queries of views made of several domains."""

    member_dashboard = Field(
        MEMBER_DASHBOARD_TYPE,
        member_id=required_id("The member whose dashboard to return."),
        description="Returns what a member sees first. Only the services behind the selected fields are called.",
    )
    member_profile = Field(
        MEMBER_PROFILE_TYPE,
        member_id=required_id("The member whose profile to return."),
        description="Returns everything about a member. Only the services behind the selected fields are called.",
    )
    provider_dashboard = Field(
        PROVIDER_DASHBOARD_TYPE,
        provider_id=required_id("The provider whose dashboard to return."),
        description="Returns what a provider sees first. Only the services behind the selected fields are called.",
    )
    admin_overview = Field(
        ADMIN_OVERVIEW_TYPE,
        description="Returns all claims by status, the health of the services and the state of the cache.",
    )

    @staticmethod
    @allowed(Resource.ADMIN_OVERVIEW)
    def resolve_admin_overview(_root: None, info: ResolverInfo) -> dict[str, Any]:
        """The whole; without the claims where they were not asked for."""
        found = admin_overview(info.context.gateway, has_claims="claims_summary" in info.selection.sources)
        return info.noted(found) | {"id": "overview"} | missing_of(found.meta)

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_member_dashboard(_root: None, info: ResolverInfo, *, member_id: str) -> PendingValue[dict[str, Any]]:
        """The asked sections."""
        return DASHBOARD.shown(info, member_id, member_id=member_id)

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_member_profile(_root: None, info: ResolverInfo, *, member_id: str) -> PendingValue[dict[str, Any]]:
        """The asked sections, and the asked pages."""
        return PROFILE.shown(info, member_id, member_id=member_id)

    @staticmethod
    @allowed(Resource.PROVIDER_DATA)
    def resolve_provider_dashboard(
        _root: None, info: ResolverInfo, *, provider_id: str
    ) -> PendingValue[dict[str, Any]]:
        """The asked sections."""
        return PROVIDER.shown(info, provider_id)
