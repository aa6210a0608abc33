"""The GraphQL types of claims and providers."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphene import Field, Float, InputObjectType, Int, List, NonNull, String

from claims.aggregators import providers_by_id
from claims.view_models import ClaimDetail, ClaimList, ClaimResponse, ClaimSummary, Provider, ProviderList, Submission
from gateway_clients.edge.access import Resource, scope_of
from gateway_clients.edge.graphql.field_request import FieldRequest
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.graphql.type_registry import TYPES, Source

LOOSE = ("service_date", "amount", "formatted_amount")


def load_providers(ask: FieldRequest, claims: Sequence[Mapping[str, Any]]) -> Sequence[Provider | None]:
    """The providers of these claims, with one call. Raises what the provider service fails with."""
    scope_of(ask.caller, Resource.PROVIDER_SEARCH)
    ids = {claim["provider_id"] for claim in claims} - {None}
    found = providers_by_id(ask.gateway, ids)
    return [found.get(claim["provider_id"]) for claim in claims]


PROVIDER = TYPES.make(Provider)
CLAIM = TYPES.make(
    ClaimSummary,
    name="Claim",
    renamed={"amount": "total_amount"},
    nullable=LOOSE,
    more={"provider": (Field(PROVIDER), Source("provider", load=load_providers))},
)
CLAIM_DETAIL = TYPES.make(ClaimDetail, renamed={"amount": "total_amount"}, nullable=LOOSE)
CLAIM_PAGE = TYPES.make(ClaimList, name="ClaimPage")
PROVIDER_PAGE = TYPES.make(ProviderList, name="ProviderPage")
SUBMISSION = TYPES.make(Submission)
CLAIM_RESPONSE = TYPES.make(ClaimResponse)


class ClaimItemInput(InputObjectType):
    """One treatment. Amounts are whole rupiah."""

    benefit_code = String(required=True)
    amount = Float(required=True)
    quantity = Int(description="1 unless given.")
    description = String()


class ClaimInput(InputObjectType):
    """A claim to submit. The same `idempotencyKey` (or header) and claim again answer the first result."""

    member_id = String(required=True)
    provider_id = String(required=True)
    service_date = Date(required=True)
    items = List(NonNull(ClaimItemInput), required=True)
    diagnosis_code = String()
    notes = String()
    idempotency_key = String()
