"""People over GraphQL: sign-in, members, eligibility."""

import datetime
from collections.abc import Mapping
from typing import Any

import msgspec
from django.db import transaction
from graphene import Argument, Boolean, Field, NonNull, ObjectType, String

from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access import Resource, allowed, open_to_all, signed_in
from gateway_clients.edge.graphql.arguments import required_id
from gateway_clients.edge.graphql.inputs import checked_input
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.graphql.specified import page_field
from gateway_clients.pipeline.pending_value import PendingValue
from gateway_clients.services.member import ContactChange
from members import known_devices, token_families, user_agents
from members.aggregators import MEMBERS, contact_change, eligibility, read_all_mark, read_mark
from members.device import device_of
from members.models import Account
from members.schema_types import (
    AUTH_RESPONSE,
    ELIGIBILITY,
    NOTIFICATION,
    NOTIFICATIONS_READ,
    PERSONAL,
    USER,
    ContactInput,
)
from members.serializers import ContactInput as CheckedContact
from members.serializers import LoginInput, RefreshTokenInput
from members.sign_in import sign_in
from members.transformers.accounts import to_signed_in, to_user
from members.view_models.accounts import SignedIn, User
from members.view_models.insured import Personal
from members.view_models.records import Notification, ReadCount


class Query(ObjectType):
    """The queries of people."""

    me = NonNull(USER, description="Returns the account that is signed in.")
    eligibility_check = Field(
        ELIGIBILITY,
        member_id=required_id("The member to be treated."),
        provider_id=required_id("The provider to be treated at."),
        service_date=Argument(NonNull(Date), description="The day of treatment."),
        description="Checks whether a member can be treated at a provider on a day. Never answered from the cache.",
    )
    members = page_field(MEMBERS)

    @staticmethod
    @signed_in
    def resolve_me(_root: None, info: ResolverInfo) -> User:
        """The account."""
        return to_user(Account.objects.signed_in(info.caller))

    @staticmethod
    @allowed(Resource.ELIGIBILITY)
    def resolve_eligibility_check(
        _root: None, info: ResolverInfo, *, member_id: str, provider_id: str, service_date: datetime.date
    ) -> PendingValue[dict[str, Any]]:
        """Asks the policy service."""
        checked = eligibility(info.context.gateway, member_id, provider_id=provider_id, service_date=service_date)
        return checked.then(lambda found: {"id": info.identity, **msgspec.structs.asdict(found)})


class Mutation(ObjectType):
    """The mutations of people."""

    login = Field(
        AUTH_RESPONSE,
        email=Argument(NonNull(String), description="The e-mail address of the account."),
        password=Argument(NonNull(String), description="The password of the account."),
        otp=Argument(String, description="A code of the second factor, for an account that has one."),
        description="Signs in and returns a pair of tokens. Wrong attempts are limited as over REST.",
    )
    refresh_token = Field(
        AUTH_RESPONSE,
        refresh_token=Argument(NonNull(String), description="The refresh token of the last pair. It can be used once."),
        description="Exchanges a refresh token for a new pair of tokens.",
    )
    logout = Boolean(
        refresh_token=Argument(NonNull(String), description="A refresh token of the session to end."),
        description="Signs out: ends the session of a refresh token, including its access tokens. Returns true.",
    )
    update_contact = Field(
        PERSONAL,
        member_id=required_id("The member whose contact details change."),
        contact=Argument(NonNull(ContactInput), description="The contact details to change."),
        description="Changes a member's contact details. Safe to repeat when the outcome is not known.",
    )
    mark_notification_read = Field(
        NOTIFICATION,
        member_id=required_id("The member whose notification it is."),
        notification_id=required_id("The notification to mark."),
        description="Marks a member's notification as read. Safe to repeat.",
    )
    mark_provider_notification_read = Field(
        NOTIFICATION,
        provider_id=required_id("The provider whose notification it is."),
        notification_id=required_id("The notification to mark."),
        description="Marks a provider's notification as read. Safe to repeat.",
    )
    mark_all_notifications_read = Field(
        NOTIFICATIONS_READ,
        member_id=required_id("The member whose notifications to mark."),
        description="Marks a member's unread notifications as read, the newest 100 at most. Safe to repeat.",
    )

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_mark_all_notifications_read(_root: None, info: ResolverInfo, *, member_id: str) -> ReadCount:
        """Marks the notifications and counts them."""
        return ReadCount(read=read_all_mark(info.context.gateway, Subject.member(member_id)))

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_update_contact(
        _root: None, info: ResolverInfo, *, member_id: str, contact: Mapping[str, Any]
    ) -> Personal:
        """The member as they are then."""
        return contact_change(info.context.gateway, member_id, ContactChange(**checked_input(CheckedContact, contact)))

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_mark_notification_read(
        _root: None, info: ResolverInfo, *, member_id: str, notification_id: str
    ) -> Notification:
        """The notification as it is then."""
        return read_mark(info.context.gateway, Subject.member(member_id), notification_id)

    @staticmethod
    @allowed(Resource.PROVIDER_DATA)
    def resolve_mark_provider_notification_read(
        _root: None, info: ResolverInfo, *, provider_id: str, notification_id: str
    ) -> Notification:
        """The notification as it is then."""
        return read_mark(info.context.gateway, Subject.provider(provider_id), notification_id)

    @staticmethod
    @open_to_all
    def resolve_login(
        _root: None, info: ResolverInfo, *, email: str, password: str, otp: str | None = None
    ) -> SignedIn:
        """The first tokens of a family."""
        given = checked_input(LoginInput, {"email": email, "password": password} | ({"otp": otp} if otp else {}))
        account = sign_in(info.context, given["email"], given["password"], given.get("otp"))
        device = device_of(info.context)
        with transaction.atomic():
            user_agents.note_sign_in(account, device.user_agent)
            pair = token_families.begin(account, device)
        info.marks.append(lambda response: known_devices.remember(info.context, response, account))
        return _signed_in(pair)

    @staticmethod
    @open_to_all
    def resolve_refresh_token(_root: None, _info: ResolverInfo, *, refresh_token: str) -> SignedIn:
        """The next tokens of a family."""
        return _signed_in(token_families.rotate(_refresh_token(refresh_token)))

    @staticmethod
    @open_to_all
    def resolve_logout(_root: None, _info: ResolverInfo, *, refresh_token: str) -> bool:
        """True."""
        token_families.end(_refresh_token(refresh_token))
        return True


def _refresh_token(given: str) -> str:
    checked: str = checked_input(RefreshTokenInput, {"refresh_token": given})["refresh_token"]
    return checked


def _signed_in(pair: token_families.TokenPair) -> SignedIn:
    return to_signed_in(
        pair.account, access=pair.access, refresh=pair.refresh, expires_in_seconds=pair.expires_in_seconds
    )
