"""What members see of themselves, over REST."""

from django.http import HttpResponse
from rest_framework.request import Request

from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access import Resource
from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.openapi import PAGE_PARAMETERS, date_parameter, flag_parameter, id_parameter, shows
from gateway_clients.edge.parameters import date_of, flag_of, page_of, required_id_of
from gateway_clients.edge.rules import allowed
from gateway_clients.edge.search import SEARCH_PARAMETER, search_text_of
from gateway_clients.edge.views import GatewayViewSet
from gateway_clients.edge.writes import WRITE_ERRORS
from gateway_clients.services.member import ContactChange
from members.aggregators import (
    MEMBER_BENEFITS,
    MEMBER_COVERAGE,
    contact_change,
    eligibility,
    member_payments,
    member_search,
    notification_list,
    read_mark,
)
from members.serializers import ContactInput
from members.view_models.benefits import BenefitsView
from members.view_models.insured import CoverageView, Eligibility, Personal, PersonalList
from members.view_models.records import Notification, NotificationList, PaymentList

LIMIT_PARAMETER = PAGE_PARAMETERS[0]


class MembersViewSet(GatewayViewSet):
    """Members, for those who may search them."""

    @shows(PersonalList, parameters=(SEARCH_PARAMETER, *PAGE_PARAMETERS), tags=["members"])
    @allowed(Resource.MEMBER_SEARCH)
    def list(self, request: Request) -> HttpResponse:
        """One page of members by part of a name, e-mail or member number, by last name."""
        query = request.query_params
        return self.answer(member_search(self.gateway, page=page_of(query), q=search_text_of(query)))


class MemberContactViewSet(GatewayViewSet):
    """How a member is reached."""

    @shows(Personal, request=ContactInput, errors=WRITE_ERRORS, tags=["members"])
    @allowed(Resource.MEMBER_DATA)
    def change(self, _request: Request, member_id: str) -> HttpResponse:
        """Changes a member's e-mail, phone or address; at least one.

        504 when it is not known whether it was done; it may be repeated.
        """
        change = ContactChange(**self.checked(ContactInput))
        return self.answer(contact_change(self.gateway, member_id, change))


class NotificationsViewSet(GatewayViewSet):
    """What members and providers have read. Safe to repeat."""

    @shows(Notification, errors=WRITE_ERRORS, tags=["members"])
    @allowed(Resource.MEMBER_DATA)
    def read_by_member(self, _request: Request, member_id: str, notification_id: str) -> HttpResponse:
        """Marks a member's notification as read."""
        return self.answer(read_mark(self.gateway, Subject.member(member_id), notification_id))

    @shows(Notification, errors=WRITE_ERRORS, tags=["providers"])
    @allowed(Resource.PROVIDER_DATA)
    def read_by_provider(self, _request: Request, provider_id: str, notification_id: str) -> HttpResponse:
        """Marks a provider's notification as read."""
        return self.answer(read_mark(self.gateway, Subject.provider(provider_id), notification_id))


class MemberSectionsViewSet(GatewayViewSet):
    """Single sections of a member."""

    @shows(BenefitsView, tags=["members"])
    @allowed(Resource.MEMBER_DATA)
    def benefits(self, _request: Request, member_id: str) -> HttpResponse:
        """This period's benefits by category."""
        return self.answer_view(self.gateway.view(MEMBER_BENEFITS, member_id))

    @shows(CoverageView, tags=["members"])
    @allowed(Resource.MEMBER_DATA)
    def coverage(self, _request: Request, member_id: str) -> HttpResponse:
        """The coverage today."""
        return self.answer_view(self.gateway.view(MEMBER_COVERAGE, member_id))

    @shows(PaymentList, parameters=PAGE_PARAMETERS, tags=["members"])
    @allowed(Resource.MEMBER_DATA)
    def payments(self, request: Request, member_id: str) -> HttpResponse:
        """One page of payments, newest first."""
        return self.answer(member_payments(self.gateway, member_id, page=page_of(request.query_params)))

    @shows(
        NotificationList,
        parameters=(flag_parameter("unread", "Only those that are unread; or, with false, read."), LIMIT_PARAMETER),
        tags=["members"],
    )
    @allowed(Resource.MEMBER_DATA)
    def notifications(self, request: Request, member_id: str) -> HttpResponse:
        """The newest notifications."""
        query = request.query_params
        limit, unread = page_of(query).limit, flag_of(query, "unread")
        return self.answer(notification_list(self.gateway, Subject.member(member_id), limit=limit, unread=unread))

    @shows(
        Eligibility,
        parameters=(
            id_parameter("provider_id", "Where the treatment would be.", is_required=True),
            date_parameter("service_date", "When it would be.", is_required=True),
        ),
        tags=["members"],
    )
    @allowed(Resource.ELIGIBILITY, query_ids=("provider_id",))
    def eligibility(self, request: Request, member_id: str) -> HttpResponse:
        """Whether the member may be treated at a provider on a day; always asked anew."""
        query = request.query_params
        provider_id, service_date = required_id_of(query, "provider_id"), date_of(query, "service_date")
        if service_date is None:
            raise BadUserInputError(errors={"service_date": ["This parameter is required."]})
        return self.answer(eligibility(self.gateway, member_id, provider_id=provider_id, service_date=service_date))
