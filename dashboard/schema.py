"""Views made of several domains over GraphQL."""

from collections.abc import Mapping
from typing import Any, Final

from graphene import Field, Int, List, NonNull, ObjectType, String

from dashboard.aggregators import MEMBER_DASHBOARD, MEMBER_PROFILE, PROVIDER_DASHBOARD, admin_overview
from dashboard.view_models import AdminOverview, MemberDashboard, MemberProfile, ProviderDashboard
from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access import Resource
from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.graphql.asking import Ask
from gateway_clients.edge.graphql.derivation import HOMES, Source
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.graphql.sectioned import Part, SectionedView, missing_of
from gateway_clients.edge.parameters import IS_NO_ID, checked_page, is_id
from gateway_clients.edge.rules import allowed
from members.aggregators import member_documents, member_payments, notification_list
from members.schema import DOCUMENT_PAGE, NOTIFICATION, PAYMENT_PAGE
from members.view_models.records import DocumentList, Notification, PaymentList

#: Fields of the dashboard itself that come from its section `member`.
OF_MEMBER: Final = dict.fromkeys(("name", "plan_name", "member_since"), "member")


def _payment_page(ask: Ask, given: Mapping[str, Any]) -> PaymentList:
    page = checked_page(given["limit"], given["offset"])
    return member_payments(ask.gateway, _member_id(ask), page=page)


def _document_page(ask: Ask, given: Mapping[str, Any]) -> DocumentList:
    claim_id, page = given.get("claim_id"), checked_page(given["limit"], given["offset"])
    if claim_id is not None and not is_id(claim_id):
        raise BadUserInputError(errors={"claim_id": [IS_NO_ID]})
    return member_documents(ask.gateway, _member_id(ask), page=page, claim_id=claim_id)


def _notifications(ask: Ask, given: Mapping[str, Any]) -> tuple[Notification, ...]:
    limit = checked_page(given["limit"]).limit
    return notification_list(ask.gateway, Subject.member(_member_id(ask)), limit=limit).notifications


def _member_id(ask: Ask) -> str:
    member_id: str = ask.chosen.arguments(ask.variables)["member_id"]
    return member_id


#: Fields of the profile with arguments and calls of their own.
PARTS: Final[Mapping[str, Part]] = {
    "payment_page": _payment_page,
    "document_page": _document_page,
    "notifications": _notifications,
}
DASHBOARD: Final = SectionedView(spec=MEMBER_DASHBOARD, flattened=OF_MEMBER)
PROFILE: Final = SectionedView(spec=MEMBER_PROFILE, parts=PARTS)
PROVIDER: Final = SectionedView(spec=PROVIDER_DASHBOARD)
_PAGE: Final[Mapping[str, Any]] = {"limit": Int(default_value=20), "offset": Int(default_value=0)}

MEMBER_DASHBOARD_TYPE = HOMES.make(
    MemberDashboard,
    without=("member",),
    more={
        "member_id": (Field(NonNull(String)), Source("member_id")),
        "name": (Field(String), Source("name")),
        "plan_name": (Field(String), Source("plan_name")),
        "member_since": (Field(Date), Source("member_since")),
    },
)
MEMBER_PROFILE_TYPE = HOMES.make(
    MemberProfile,
    more={
        "notifications": (
            Field(List(NonNull(NOTIFICATION)), limit=Int(default_value=20), description="The newest notifications."),
            Source("notifications"),
        ),
        "payment_page": (
            Field(PAYMENT_PAGE, **_PAGE, description="One page of all payments, newest first."),
            Source("payment_page"),
        ),
        "document_page": (
            Field(DOCUMENT_PAGE, claim_id=String(), **_PAGE, description="One page of all documents, or of a claim's."),
            Source("document_page"),
        ),
    },
)
PROVIDER_DASHBOARD_TYPE = HOMES.make(ProviderDashboard)
ADMIN_OVERVIEW_TYPE = HOMES.make(AdminOverview)


class Query(ObjectType):
    """What may be asked of several domains at once."""

    member_dashboard = Field(
        MEMBER_DASHBOARD_TYPE,
        member_id=String(required=True),
        description="What a member sees first. Only the services are called whose fields are asked for.",
    )
    member_profile = Field(
        MEMBER_PROFILE_TYPE,
        member_id=String(required=True),
        description="All about a member. Only the services are called whose fields are asked for.",
    )
    provider_dashboard = Field(
        PROVIDER_DASHBOARD_TYPE,
        provider_id=String(required=True),
        description="What a provider sees first. Only the services are called whose fields are asked for.",
    )

    admin_overview = Field(ADMIN_OVERVIEW_TYPE, description="All claims by status, and how upstreams and cache fare.")

    @staticmethod
    @allowed(Resource.ADMIN_OVERVIEW)
    def resolve_admin_overview(ask: Ask) -> dict[str, Any]:
        """The whole; without the claims where they were not asked for."""
        found = admin_overview(ask.gateway, has_claims="claims_summary" in ask.selection.sources)
        ask.note(found.meta)
        data: dict[str, Any] = {name: getattr(found, name) for name in AdminOverview.__struct_fields__}
        return data | missing_of(found.meta)

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_member_dashboard(ask: Ask, *, member_id: str) -> dict[str, Any]:
        """The asked sections."""
        return DASHBOARD.shown(ask, member_id) | {"member_id": member_id}

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_member_profile(ask: Ask, *, member_id: str) -> dict[str, Any]:
        """The asked sections, and the asked pages."""
        return PROFILE.shown(ask, member_id)

    @staticmethod
    @allowed(Resource.PROVIDER_DATA)
    def resolve_provider_dashboard(ask: Ask, *, provider_id: str) -> dict[str, Any]:
        """The asked sections."""
        return PROVIDER.shown(ask, provider_id)
