"""Claims and providers over REST."""

from django.http import HttpResponse
from rest_framework.request import Request

from claims.aggregators import claim_detail, claim_list, provider_detail, provider_list
from claims.submission_views import ChangingMixin, SubmittingMixin
from claims.view_models import STATUSES, ClaimDetail, ClaimList, Provider, ProviderList
from gateway_clients.edge.access import Resource
from gateway_clients.edge.openapi import PAGE_PARAMETERS, choice_parameter, id_parameter, shows
from gateway_clients.edge.parameters import choice_of, id_of, page_of
from gateway_clients.edge.rules import allowed
from gateway_clients.edge.search import SEARCH_PARAMETER, search_text_of
from gateway_clients.edge.sections import labelled
from gateway_clients.edge.views import GatewayViewSet

STATUS_PARAMETER = choice_parameter("status", "Only claims at this status.", STATUSES)


class MemberClaimsViewSet(ChangingMixin):
    """The claims of one member."""

    @shows(
        ClaimList,
        parameters=(STATUS_PARAMETER, *PAGE_PARAMETERS),
        tags=["claims"],
        operation_id="member_claims_list",
    )
    @allowed(Resource.MEMBER_CLAIMS)
    def list(self, request: Request, member_id: str) -> HttpResponse:
        """One page of a member's claims, newest service date first.

        A provider sees those made at its own address only.
        """
        query = request.query_params
        status, page = choice_of(query, "status", STATUSES), page_of(query)
        return self.answer(claim_list(self.gateway, scope=self.scope, page=page, member_id=member_id, status=status))

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
            STATUS_PARAMETER,
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
        page = page_of(query)
        return self.answer(
            claim_list(
                self.gateway,
                scope=self.scope,
                page=page,
                member_id=id_of(query, "member_id"),
                provider_id=id_of(query, "provider_id"),
                status=choice_of(query, "status", STATUSES),
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
