"""Claims and providers over REST."""

import datetime
from typing import TypedDict

from django.http import HttpResponse, QueryDict
from rest_framework.request import Request

from claims.aggregators import claim_detail, claim_list, provider_detail, provider_list
from claims.submission_views import ChangingMixin, SubmittingMixin
from claims.view_models import STATUSES, ClaimDetail, ClaimList, Provider, ProviderList
from gateway_clients.edge.access import Resource
from gateway_clients.edge.openapi import PAGE_PARAMETERS, choice_parameter, date_parameter, id_parameter, shows
from gateway_clients.edge.parameters import choice_of, date_of, id_of, page_of
from gateway_clients.edge.rules import allowed
from gateway_clients.edge.search import SEARCH_PARAMETER, search_text_of
from gateway_clients.edge.sections import labelled
from gateway_clients.edge.views import GatewayViewSet

#: What narrows every list of claims.
FILTER_PARAMETERS = (
    choice_parameter("status", "Only claims at this status.", STATUSES),
    date_parameter("service_date_from", "Only claims of this day or later."),
    date_parameter("service_date_to", "Only claims of this day or earlier."),
)


class ClaimFilters(TypedDict):
    """What narrows a list of claims."""

    status: str | None
    service_date_from: datetime.date | None
    service_date_to: datetime.date | None


def claim_filters(query: QueryDict) -> ClaimFilters:
    """The filters of `FILTER_PARAMETERS`. Raises BadUserInputError."""
    return {
        "status": choice_of(query, "status", STATUSES),
        "service_date_from": date_of(query, "service_date_from"),
        "service_date_to": date_of(query, "service_date_to"),
    }


class MemberClaimsViewSet(ChangingMixin):
    """The claims of one member."""

    @shows(
        ClaimList,
        parameters=(*FILTER_PARAMETERS, *PAGE_PARAMETERS),
        tags=["claims"],
        operation_id="member_claims_list",
    )
    @allowed(Resource.MEMBER_CLAIMS)
    def list(self, request: Request, member_id: str) -> HttpResponse:
        """One page of a member's claims, newest service date first.

        A provider sees those made at its own address only.
        """
        query = request.query_params
        return self.answer(
            claim_list(self.gateway, scope=self.scope, page=page_of(query), member_id=member_id, **claim_filters(query))
        )

    @shows(ClaimDetail, tags=["claims"])
    @allowed(Resource.MEMBER_CLAIMS)
    def retrieve(self, _request: Request, member_id: str, claim_id: str) -> HttpResponse:
        """A claim with its items, its history and what may be done with it.

        404 also for a claim of another member, or one at another provider than the one that asks.
        """
        detail, section = claim_detail(self.gateway, member_id, claim_id, scope=self.scope, caller=self.caller)
        return labelled(self.answer(detail), section)


class ClaimsViewSet(SubmittingMixin):
    """Claims over all that the caller may see."""

    @shows(
        ClaimList,
        parameters=(
            id_parameter("member_id", "Only claims of this member."),
            id_parameter("provider_id", "Only claims at this provider."),
            *FILTER_PARAMETERS,
            *PAGE_PARAMETERS,
        ),
        tags=["claims"],
    )
    @allowed(Resource.CLAIM_LIST, query_ids=("member_id", "provider_id"))
    def list(self, request: Request) -> HttpResponse:
        """One page of claims, newest service date first: a member's own, those at a provider, an admin's all.

        Who is a member and a provider names one of them, and else gets those at the provider.
        """
        query = request.query_params
        return self.answer(
            claim_list(
                self.gateway,
                scope=self.scope,
                page=page_of(query),
                member_id=id_of(query, "member_id"),
                provider_id=id_of(query, "provider_id"),
                **claim_filters(query),
            )
        )


class ProvidersViewSet(GatewayViewSet):
    """Hospitals, clinics, pharmacies and laboratories."""

    @shows(ProviderList, parameters=(SEARCH_PARAMETER, *PAGE_PARAMETERS), tags=["providers"])
    @allowed(Resource.PROVIDER_SEARCH)
    def list(self, request: Request) -> HttpResponse:
        """One page of providers, by name."""
        query = request.query_params
        return self.answer(provider_list(self.gateway, page=page_of(query), q=search_text_of(query)))

    @shows(Provider, tags=["providers"])
    @allowed(Resource.PROVIDER_SEARCH)
    def retrieve(self, _request: Request, provider_id: str) -> HttpResponse:
        """One provider."""
        provider, section = provider_detail(self.gateway, provider_id)
        return labelled(self.answer(provider), section)
