"""What members see of themselves, over REST."""

from django.http import HttpResponse
from rest_framework.request import Request

from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access import Resource, allowed
from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.input import date_of, flag_of, page_of, required_id_of
from gateway_clients.edge.openapi import (
    PAGE_PARAMETERS,
    date_parameter,
    flag_parameter,
    id_parameter,
    shows,
)
from gateway_clients.edge.rest import WRITE_ERRORS, GatewayViewSet
from gateway_clients.services.member import ContactChange
from members.aggregators import (
    contact_change,
    eligibility,
    notification_list,
    read_all_mark,
    read_mark,
)
from members.serializers import ContactInput
from members.view_models.insured import Eligibility, Personal
from members.view_models.records import Notification, NotificationList, ReadCount

LIMIT_PARAMETER = PAGE_PARAMETERS[0]


class MemberContactViewSet(GatewayViewSet):
    """How a member is reached."""

    @shows(Personal, request=ContactInput, errors=WRITE_ERRORS, tags=["members"], operation_id="updateMemberContact")
    @allowed(Resource.MEMBER_DATA)
    def change(self, _request: Request, member_id: str) -> HttpResponse:
        """Changes a member's e-mail, phone or address; at least one.

        504 when it is not known whether it was done; it may be repeated.
        """
        change = ContactChange(**self.checked(ContactInput))
        return self.answer(contact_change(self.gateway, member_id, change))


class NotificationsViewSet(GatewayViewSet):
    """What members and providers have read. Safe to repeat."""

    @shows(Notification, errors=WRITE_ERRORS, tags=["members"], operation_id="markMemberNotificationRead")
    @allowed(Resource.MEMBER_DATA)
    def read_by_member(self, _request: Request, member_id: str, notification_id: str) -> HttpResponse:
        """Marks a member's notification as read."""
        return self.answer(read_mark(self.gateway, Subject.member(member_id), notification_id))

    @shows(ReadCount, errors=WRITE_ERRORS, tags=["members"], operation_id="markAllMemberNotificationsRead")
    @allowed(Resource.MEMBER_DATA)
    def read_all_by_member(self, _request: Request, member_id: str) -> HttpResponse:
        """Marks a member's unread notifications as read, the newest 100 at most."""
        return self.answer(ReadCount(read=read_all_mark(self.gateway, Subject.member(member_id))))

    @shows(Notification, errors=WRITE_ERRORS, tags=["providers"], operation_id="markProviderNotificationRead")
    @allowed(Resource.PROVIDER_DATA)
    def read_by_provider(self, _request: Request, provider_id: str, notification_id: str) -> HttpResponse:
        """Marks a provider's notification as read."""
        return self.answer(read_mark(self.gateway, Subject.provider(provider_id), notification_id))


class MemberSectionsViewSet(GatewayViewSet):
    """What is asked for a member beside what is declared in the aggregators."""

    @shows(
        NotificationList,
        parameters=(flag_parameter("unread", "Only those that are unread; or, with false, read."), LIMIT_PARAMETER),
        tags=["members"],
        operation_id="listMemberNotifications",
    )
    @allowed(Resource.MEMBER_DATA)
    def notifications(self, request: Request, member_id: str) -> HttpResponse:
        """The newest notifications."""
        query = request.query_params
        limit, unread = page_of(query).limit, flag_of(query, "unread")
        recipient = Subject.member(member_id)
        return self.answer(notification_list(self.gateway, recipient, limit=limit, unread=unread, counts_unread=True))

    @shows(
        Eligibility,
        parameters=(
            id_parameter("provider_id", "Where the treatment would be.", is_required=True),
            date_parameter("service_date", "When it would be.", is_required=True),
        ),
        tags=["members"],
        operation_id="checkEligibility",
    )
    @allowed(Resource.ELIGIBILITY, query_ids=("provider_id",))
    def eligibility(self, request: Request, member_id: str) -> HttpResponse:
        """Whether the member may be treated at a provider on a day; always asked anew."""
        query = request.query_params
        provider_id, service_date = required_id_of(query, "provider_id"), date_of(query, "service_date")
        if service_date is None:
            raise BadUserInputError(errors={"service_date": ["This parameter is required."]})
        return self.answer(eligibility(self.gateway, member_id, provider_id=provider_id, service_date=service_date))
