"""Claims and providers over GraphQL."""

import datetime
from collections.abc import Sequence

from graphene import Field, Int, List, NonNull, String

from claims.aggregators import claim_detail, claim_list, provider_detail, provider_list
from claims.schema_types import CLAIM, CLAIM_DETAIL, CLAIM_PAGE, PROVIDER, PROVIDER_PAGE
from claims.submission_schema import SubmissionMutation, SubmissionQuery
from claims.view_models import STATUSES, ClaimDetail, ClaimList, ClaimSummary, Provider, ProviderList
from gateway_clients.edge.access import Resource
from gateway_clients.edge.graphql.field_request import FieldRequest
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.parameters import checked_choice, checked_page
from gateway_clients.edge.rules import allowed
from gateway_clients.edge.search import checked_search_text


class Mutation(SubmissionMutation):
    """What may be done with claims."""


class Query(SubmissionQuery):
    """What may be asked about claims and providers."""

    member_claims = List(
        NonNull(CLAIM),
        member_id=String(required=True),
        status=String(),
        limit=Int(default_value=10),
        offset=Int(default_value=0),
        description="A member's claims, newest service date first.",
    )
    claims = Field(
        CLAIM_PAGE,
        member_id=String(),
        provider_id=String(),
        status=String(),
        service_date_from=Date(),
        service_date_to=Date(),
        limit=Int(default_value=20),
        offset=Int(default_value=0),
        description="One page of claims over all that the caller may see, newest service date first.",
    )
    claim = Field(
        CLAIM_DETAIL,
        member_id=String(required=True),
        claim_id=String(required=True),
        description="A claim with its items, its history and what may be done with it.",
    )
    provider = Field(PROVIDER, provider_id=String(required=True), description="One provider.")
    providers = Field(
        PROVIDER_PAGE,
        q=String(),
        limit=Int(default_value=20),
        offset=Int(default_value=0),
        description="One page of providers, by name.",
    )

    @staticmethod
    @allowed(Resource.MEMBER_CLAIMS)
    def resolve_member_claims(
        field_request: FieldRequest, *, member_id: str, limit: int | None, offset: int | None, status: str | None = None
    ) -> Sequence[ClaimSummary]:
        """The claims of one page."""
        return _page(field_request, member_id=member_id, status=status, limit=limit, offset=offset).claims

    @staticmethod
    @allowed(Resource.CLAIM_LIST)
    def resolve_claims(
        field_request: FieldRequest,
        *,
        limit: int | None,
        offset: int | None,
        member_id: str | None = None,
        provider_id: str | None = None,
        status: str | None = None,
        service_date_from: datetime.date | None = None,
        service_date_to: datetime.date | None = None,
    ) -> ClaimList:
        """One page."""
        return _page(
            field_request,
            member_id=member_id,
            provider_id=provider_id,
            status=status,
            service_date_from=service_date_from,
            service_date_to=service_date_to,
            limit=limit,
            offset=offset,
        )

    @staticmethod
    @allowed(Resource.MEMBER_CLAIMS)
    def resolve_claim(field_request: FieldRequest, *, member_id: str, claim_id: str) -> ClaimDetail:
        """One claim."""
        detail, section = claim_detail(
            field_request.gateway, member_id, claim_id, scope=field_request.scope, caller=field_request.caller
        )
        field_request.note({"claim": section})
        return detail

    @staticmethod
    @allowed(Resource.PROVIDER_SEARCH)
    def resolve_provider(field_request: FieldRequest, *, provider_id: str) -> Provider:
        """One provider."""
        provider, section = provider_detail(field_request.gateway, provider_id)
        field_request.note({"provider": section})
        return provider

    @staticmethod
    @allowed(Resource.PROVIDER_SEARCH)
    def resolve_providers(
        field_request: FieldRequest, *, limit: int | None, offset: int | None, q: str | None = None
    ) -> ProviderList:
        """One page."""
        found = provider_list(field_request.gateway, page=checked_page(limit, offset), q=checked_search_text(q))
        field_request.note(found.meta)
        return found


def _page(
    field_request: FieldRequest,
    *,
    limit: int | None,
    offset: int | None,
    member_id: str | None = None,
    provider_id: str | None = None,
    status: str | None = None,
    service_date_from: datetime.date | None = None,
    service_date_to: datetime.date | None = None,
) -> ClaimList:
    found = claim_list(
        field_request.gateway,
        scope=field_request.scope,
        page=checked_page(limit, offset),
        member_id=member_id,
        provider_id=provider_id,
        status=checked_choice(status, "status", STATUSES),
        service_date_from=service_date_from,
        service_date_to=service_date_to,
    )
    field_request.note(found.meta)
    return found
