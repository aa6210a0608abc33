"""Views made of several domains over REST."""

from django.http import HttpResponse
from rest_framework.request import Request

from dashboard.aggregators import MEMBER_DASHBOARD, MEMBER_PROFILE, PROVIDER_DASHBOARD, admin_overview
from dashboard.view_models import AdminOverview, MemberDashboard, MemberProfile, ProviderDashboard
from gateway_clients.edge.access import Resource, allowed
from gateway_clients.edge.input import names_of
from gateway_clients.edge.openapi import names_parameter, shows
from gateway_clients.edge.rest import GatewayViewSet
from gateway_clients.gateway import ViewSpec
from members.views.insured import MemberContactViewSet


class SectionedViewSet(GatewayViewSet):
    """A view of which a portal may ask for some sections only."""

    def answer_sections(self, spec: ViewSpec, subject_id: str, request: Request) -> HttpResponse:
        """The asked sections of the view. Raises BadUserInputError for a name it does not have."""
        asked = names_of(request.query_params, "sections", spec.section_names)
        return self.answer_view(self.gateway.view(spec, subject_id, sections=asked))


class MemberDashboardViewSet(SectionedViewSet):
    """A member's dashboard."""

    @shows(
        MemberDashboard,
        parameters=(names_parameter("sections", "Only these; default: all.", MEMBER_DASHBOARD.section_names),),
        tags=["dashboards"],
        operation_id="getMemberDashboard",
    )
    @allowed(Resource.MEMBER_DATA)
    def retrieve(self, request: Request, member_id: str) -> HttpResponse:
        """What a member sees first, from five services asked side by side.

        A service that fails costs its section, and `meta` says so; 503 only when nothing asked for could be had.
        """
        return self.answer_sections(MEMBER_DASHBOARD, member_id, request)


class MemberProfileViewSet(MemberContactViewSet, SectionedViewSet):
    """A member's profile, and the change of what stands in it."""

    @shows(
        MemberProfile,
        parameters=(names_parameter("sections", "Only these; default: all.", MEMBER_PROFILE.section_names),),
        tags=["members"],
        operation_id="getMemberProfile",
    )
    @allowed(Resource.MEMBER_DATA)
    def retrieve(self, request: Request, member_id: str) -> HttpResponse:
        """All about a member, from services asked side by side.

        A service that fails costs its section, and `meta` says so; 503 only when nothing asked for could be had.
        """
        return self.answer_sections(MEMBER_PROFILE, member_id, request)


class ProviderDashboardViewSet(SectionedViewSet):
    """A provider's dashboard."""

    @shows(
        ProviderDashboard,
        parameters=(names_parameter("sections", "Only these; default: all.", PROVIDER_DASHBOARD.section_names),),
        tags=["dashboards"],
        operation_id="getProviderDashboard",
    )
    @allowed(Resource.PROVIDER_DATA)
    def retrieve(self, request: Request, provider_id: str) -> HttpResponse:
        """What a provider sees first.

        A service that fails costs its section, and `meta` says so; 503 only when nothing asked for could be had.
        """
        return self.answer_sections(PROVIDER_DASHBOARD, provider_id, request)


class AdminOverviewViewSet(GatewayViewSet):
    """The admin console's first page."""

    @shows(AdminOverview, tags=["dashboards"], operation_id="getAdminOverview")
    @allowed(Resource.ADMIN_OVERVIEW)
    def retrieve(self, _request: Request) -> HttpResponse:
        """All claims by status, and how upstreams and cache fare, over all processes of the gateway.

        The claims service may fail: it costs its section. `upstreams` is `fallback` when only the process that answers
        could be asked.
        """
        return self.answer(admin_overview(self.gateway))
