"""People over GraphQL: sign-in, members, eligibility."""

import datetime
from collections.abc import Mapping
from typing import Any

from graphene import Argument, Boolean, Field, InputObjectType, Int, NonNull, ObjectType, String

from gateway_clients.caching.keys import Subject
from gateway_clients.edge import limits
from gateway_clients.edge.access import Resource
from gateway_clients.edge.graphql.field_request import FieldRequest
from gateway_clients.edge.graphql.inputs import checked_input
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.graphql.type_registry import TYPES
from gateway_clients.edge.parameters import checked_page
from gateway_clients.edge.request_context import context_of
from gateway_clients.edge.rules import allowed, open_to_all, signed_in
from gateway_clients.edge.search import checked_search_text
from gateway_clients.services.member import ContactChange
from members import hashing, token_families
from members.aggregators import contact_change, eligibility, member_search, read_mark
from members.models import Account
from members.serializers import ContactInput as CheckedContact
from members.serializers import LoginInput, RefreshTokenInput
from members.sign_in import account_of
from members.transformers.accounts import to_signed_in, to_user
from members.view_models.accounts import SignedIn, User
from members.view_models.benefits import Benefits, BenefitsSummary
from members.view_models.insured import Coverage, Eligibility, Personal, PersonalList
from members.view_models.records import Document, DocumentList, Notification, Payment, PaymentList

USER = TYPES.make(User)
AUTH_RESPONSE = TYPES.make(SignedIn, name="AuthResponse", without=("token_type",))
PERSONAL = TYPES.make(Personal)
MEMBER_PAGE = TYPES.make(PersonalList, name="MemberPage")
COVERAGE = TYPES.make(Coverage)
ELIGIBILITY = TYPES.make(Eligibility, name="EligibilityResponse")
BENEFITS = TYPES.make(Benefits)
BENEFITS_SUMMARY = TYPES.make(BenefitsSummary)
NOTIFICATION = TYPES.make(Notification)
PAYMENT = TYPES.make(Payment)
PAYMENT_PAGE = TYPES.make(PaymentList, name="PaymentPage")
DOCUMENT = TYPES.make(Document)
DOCUMENT_PAGE = TYPES.make(DocumentList, name="DocumentPage")


class ContactInput(InputObjectType):
    """What of a member's contact changes: at least one."""

    email = String()
    phone = String()
    address = String()


class Query(ObjectType):
    """What may be asked about people."""

    me = NonNull(USER, description="Who is signed in.")
    eligibility_check = Field(
        ELIGIBILITY,
        member_id=String(required=True),
        provider_id=String(required=True),
        service_date=Date(required=True),
        description="Whether a member may be treated at a provider on a day; always asked anew.",
    )
    members = Field(
        MEMBER_PAGE,
        q=String(),
        limit=Int(default_value=20),
        offset=Int(default_value=0),
        description="One page of members, by last name.",
    )

    @staticmethod
    @signed_in
    def resolve_me(field_request: FieldRequest) -> User:
        """The account."""
        return to_user(Account.objects.get(pk=field_request.caller.pk))

    @staticmethod
    @allowed(Resource.ELIGIBILITY)
    def resolve_eligibility_check(
        field_request: FieldRequest, *, member_id: str, provider_id: str, service_date: datetime.date
    ) -> Eligibility:
        """What the policy service says."""
        return eligibility(field_request.gateway, member_id, provider_id=provider_id, service_date=service_date)

    @staticmethod
    @allowed(Resource.MEMBER_SEARCH)
    def resolve_members(
        field_request: FieldRequest, *, limit: int | None, offset: int | None, q: str | None = None
    ) -> PersonalList:
        """One page."""
        found = member_search(field_request.gateway, page=checked_page(limit, offset), q=checked_search_text(q))
        field_request.note(found.meta)
        return found


class Mutation(ObjectType):
    """What people may do."""

    login = Field(
        AUTH_RESPONSE,
        email=String(required=True),
        password=String(required=True),
        description="A pair of tokens for an e-mail and its password. Limited as over REST.",
    )
    refresh_token = Field(
        AUTH_RESPONSE,
        refresh_token=String(required=True),
        description="A new pair for a refresh token, which is dead from then on.",
    )
    logout = Boolean(
        refresh_token=String(required=True),
        description="Ends the sign-in that a refresh token belongs to, its access tokens too.",
    )

    update_contact = Field(
        PERSONAL,
        member_id=String(required=True),
        contact=Argument(ContactInput, required=True),
        description="Changes a member's e-mail, phone or address. May be repeated when it is not known if it was done.",
    )
    mark_notification_read = Field(
        NOTIFICATION,
        member_id=String(required=True),
        notification_id=String(required=True),
        description="Marks a member's notification as read. Safe to repeat.",
    )

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_update_contact(field_request: FieldRequest, *, member_id: str, contact: Mapping[str, Any]) -> Personal:
        """The member as they are then."""
        return contact_change(field_request.gateway, member_id, ContactChange(**checked_input(CheckedContact, contact)))

    @staticmethod
    @allowed(Resource.MEMBER_DATA)
    def resolve_mark_notification_read(
        field_request: FieldRequest, *, member_id: str, notification_id: str
    ) -> Notification:
        """The notification as it is then."""
        return read_mark(field_request.gateway, Subject.member(member_id), notification_id)

    @staticmethod
    @open_to_all
    def resolve_login(field_request: FieldRequest, *, email: str, password: str) -> SignedIn:
        """The first tokens of a family."""
        given = checked_input(LoginInput, {"email": email, "password": password})
        limits.count_sign_in(field_request.request, given["email"])
        with hashing.by(context_of(field_request.request).deadline):
            account = account_of(given["email"], given["password"])
        return _signed_in(token_families.begin(account))

    @staticmethod
    @open_to_all
    def resolve_refresh_token(_ask: FieldRequest, *, refresh_token: str) -> SignedIn:
        """The next tokens of a family."""
        return _signed_in(token_families.rotate(_refresh_token(refresh_token)))

    @staticmethod
    @open_to_all
    def resolve_logout(_ask: FieldRequest, *, refresh_token: str) -> bool:
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
