"""Views made of several domains over GraphQL."""

from collections.abc import Mapping
from typing import Any, Final

from graphene import Field, Int, List, NonNull, ObjectType, String

from dashboard.aggregators import MEMBER_DASHBOARD, MEMBER_PROFILE, PROVIDER_DASHBOARD, admin_overview
from dashboard.view_models import AdminOverview, MemberDashboard, MemberProfile, ProviderDashboard
from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access import Resource
from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.graphql.field_request import FieldRequest
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.graphql.section_view import Part, SectionView, missing_of
from gateway_clients.edge.graphql.type_registry import TYPES, Source
from gateway_clients.edge.parameters import IS_NO_ID, checked_page, is_id
from gateway_clients.edge.rules import allowed
from members.aggregators import member_documents, member_payments, notification_list
from members.schema import DOCUMENT_PAGE, NOTIFICATION, PAYMENT_PAGE
from members.view_models.records import DocumentList, Notification, PaymentList

#: Fields of the dashboard itself that come from its section `member`.
OF_MEMBER: Final = dict.fromkeys(("name", "plan_name", "member_since"), "member")


def _payment_page(field_request: FieldRequest, given: Mapping[str, Any]) -> PaymentList:
    page = checked_page(given["limit"], given["offset"])
    return member_payments(field_request.gateway, _member_id(field_request), page=page)


def _document_page(field_request: FieldRequest, given: Mapping[str, Any]) -> DocumentList:
    claim_id, page = given.get("claim_id"), checked_page(given["limit"], given["offset"])
    if claim_id is not None and not is_id(claim_id):
        raise BadUserInputError(errors={"claim_id": [IS_NO_ID]})
    return member_documents(field_request.gateway, _member_id(field_request), page=page, claim_id=claim_id)


def _notifications(field_request: FieldRequest, given: Mapping[str, Any]) -> tuple[Notification, ...]:
    limit = checked_page(given["limit"]).limit
    return notification_list(
        field_request.gateway, Subject.member(_member_id(field_request)), limit=limit
    ).notifications


def _member_id(field_request: FieldRequest) -> str:
    member_id: str = field_request.selected.arguments(field_request.variables)["member_id"]
    return member_id


#: Fields of the profile with arguments and calls of their own.
PARTS: Final[Mapping[str, Part]] = {
    "payment_page": _payment_page,
    "document_page": _document_page,
    "notifications": _notifications,
}
DASHBOARD: Final = SectionView(spec=MEMBER_DASHBOARD, flattened=OF_MEMBER)
PROFILE: Final = SectionView(spec=MEMBER_PROFILE, parts=PARTS)
PROVIDER: Final = SectionView(spec=PROVIDER_DASHBOARD)
_PAGE: Final[Mapping[str, Any]] = {"limit": Int(default_value=20), "offset": Int(default_value=0)}

MEMBER_DASHBOARD_TYPE = TYPES.make(
    MemberDashboard,
    without=("member",),
    more={
        "member_id": (Field(NonNull(String)), Source("member_id")),
        "name": (Field(String), Source("name")),
        "plan_name": (Field(String), Source("plan_name")),
        "member_since": (Field(Date), Source("member_since")),
    },
)
MEMBER_PROFILE_TYPE = TYPES.make(
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
PROVIDER_DASHBOARD_TYPE = TYPES.make(ProviderDashboard)
ADMIN_OVERVIEW_TYPE = TYPES.make(AdminOverview)


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
    def resolve_admin_overview(field_request: FieldRequest) -> dict[str, Any]:
        """The whole; without the claims where they were not asked for."""
        found = admin_overview(field_request.gateway, has_claims="claims_summary" in field_request.selection.sources)
        field_request.note(found.meta)
        data: dict[str, Any] = {name: getattr(found, name) for name in AdminOverview.__struct_fields__}
        return data | missing_of(found.meta)

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_member_dashboard(field_request: FieldRequest, *, member_id: str) -> dict[str, Any]:
        """The asked sections."""
        return DASHBOARD.shown(field_request, member_id) | {"member_id": member_id}

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_member_profile(field_request: FieldRequest, *, member_id: str) -> dict[str, Any]:
        """The asked sections, and the asked pages."""
        return PROFILE.shown(field_request, member_id)

    @staticmethod
    @allowed(Resource.PROVIDER_DATA)
    def resolve_provider_dashboard(field_request: FieldRequest, *, provider_id: str) -> dict[str, Any]:
        """The asked sections."""
        return PROVIDER.shown(field_request, provider_id)
