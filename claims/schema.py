"""Claims and providers over GraphQL."""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from graphene import Argument, Field, List, NonNull

from claims.aggregators import CLAIMS, PROVIDER, PROVIDERS, claim_detail
from claims.schema_types import CLAIM, CLAIM_STATUS
from claims.submission_schema import SubmissionMutation, SubmissionQuery
from claims.view_models import ClaimDetail, ClaimSummary
from gateway_clients.edge.access import Resource, allowed
from gateway_clients.edge.graphql.arguments import page_arguments, required_id
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.graphql.specified import found_page, page_field, record_field
from gateway_clients.pipeline.pending_value import PendingValue
from gateway_clients.pipeline.section import Section

T = TypeVar("T")


class Mutation(SubmissionMutation):
    """The mutations of claims."""


class Query(SubmissionQuery):
    """The queries of claims and providers."""

    member_claims = List(
        NonNull(CLAIM),
        member_id=required_id("The member whose claims to return."),
        status=Argument(CLAIM_STATUS, description="Only claims with this status."),
        **page_arguments(limit=10),
        description="Returns a member's claims, newest service date first.",
    )
    claims = page_field(CLAIMS)
    claim = Field(
        CLAIM,
        member_id=required_id("The member whose claim it is."),
        claim_id=required_id("The claim to return."),
        description="Returns a single claim.",
    )
    provider = record_field(PROVIDER, provider_id="The provider to return.")
    providers = page_field(PROVIDERS)

    @staticmethod
    @allowed(Resource.MEMBER_CLAIMS)
    def resolve_member_claims(_root: None, info: ResolverInfo, **given: Any) -> PendingValue[Sequence[ClaimSummary]]:
        """The claims of one page."""
        return found_page(CLAIMS, info, given, member_id=given["member_id"]).then(
            lambda found: info.noted(found)["claims"]
        )

    @staticmethod
    @allowed(Resource.MEMBER_CLAIMS)
    def resolve_claim(_root: None, info: ResolverInfo, *, member_id: str, claim_id: str) -> PendingValue[ClaimDetail]:
        """One claim."""
        found = claim_detail(info.context.gateway, member_id, claim_id, scope=info.scope, caller=info.caller)
        return found.then(partial(_shown, info, "claim"))


def _shown(info: ResolverInfo, name: str, found: tuple[T, Section[Any]]) -> T:
    shown, section = found
    info.note({name: section})
    return shown
