"""Which calls make the views of claims and providers."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from claims.claim_search import CLAIM_NUMBER, ClaimListSpec
from claims.transformers import to_claim_detail, to_claim_summary, to_listed_claim, to_provider
from claims.view_models import STATUSES, ClaimAction, ClaimDetail, ClaimStatus, ClaimSummary, Provider
from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access import Caller, Resource, Scope, scope_of
from gateway_clients.edge.errors import AccessDeniedError, NotFoundError
from gateway_clients.edge.input import is_id
from gateway_clients.edge.output import required_section
from gateway_clients.edge.specs import (
    SEARCH,
    ListSpec,
    RecordSpec,
    choice_filter,
    date_filter,
    id_filter,
)
from gateway_clients.gateway import Gateway
from gateway_clients.invalidation.rules import Changed
from gateway_clients.pipeline.pending_value import Deferred, PendingValue
from gateway_clients.pipeline.section import Section
from gateway_clients.services.claims import ClaimPayload

#: Which row of the access table lets an account do what with a claim.
NEEDED: Final[Mapping[ClaimAction, Resource]] = {
    ClaimAction.CANCEL: Resource.CLAIM_CHANGES,
    ClaimAction.APPEAL: Resource.CLAIM_CHANGES,
    ClaimAction.UPLOAD_DOCUMENT: Resource.CLAIM_DOCUMENTS,
    ClaimAction.DOWNLOAD_EOB: Resource.CLAIM_DOCUMENTS,
}


def reader_of(scope: Scope) -> Subject | None:
    """Whose cache entries a read uses: a provider has its own, members and admins share theirs."""
    return None if scope.provider_id is None else Subject.provider(scope.provider_id)


def _seen_by(scope: Scope, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims that the caller may see of those asked for."""
    return {
        **asked,
        "member_id": scope.member_id or asked.get("member_id"),
        "provider_id": scope.provider_id or asked.get("provider_id"),
        "reader": reader_of(scope),
    }


CLAIM_FILTERS: Final = (
    choice_filter("status", "Only claims with this status.", STATUSES, ClaimStatus),
    date_filter("service_date_from", "Only claims of this day or later."),
    date_filter("service_date_to", "Only claims of this day or earlier."),
)
CLAIMS: Final = ClaimListSpec(
    name="claims",
    service="claims",
    model=ClaimSummary,
    call=lambda gateway, asked: gateway.claims.list_claims(**asked),
    narrow=_seen_by,
    transform=to_claim_summary,
    field_transform=to_listed_claim,
    filters=(
        id_filter("member_id", "Only claims of this member."),
        id_filter("provider_id", "Only claims made at this provider."),
        CLAIM_FILTERS[0],
        id_filter(
            CLAIM_NUMBER, "Only the claim with this number, with or without `CLM-`, if it is among the newest 1,000."
        ),
        *CLAIM_FILTERS[1:],
    ),
    page_name="ClaimList",
    page_type="ClaimPage",
    path="claims",
    operation_id="listClaims",
    resource=Resource.CLAIM_LIST,
    query_ids=("member_id", "provider_id"),
    tag="claims",
    doc="One page of claims, newest service date first.",
    rest_doc="""One page of claims, newest service date first: a member's own, those at a provider, an admin's all.

Who is a member and a provider names one of them, and else gets those at the provider.
""",
    field_doc="Returns a page of the claims that you can see, newest service date first.",
    dropped_by=(Changed.CLAIM,),
)
MEMBER_CLAIMS: Final = replace(
    CLAIMS,
    filters=CLAIM_FILTERS,
    path="claims/<id:member_id>",
    resource=Resource.MEMBER_CLAIMS,
    query_ids=(),
    rest_doc="""One page of a member's claims, newest service date first.

A provider sees those made at its own address only.
""",
    operation_id="listMemberClaims",
)
PROVIDERS: Final = ListSpec(
    name="providers",
    service="provider",
    model=Provider,
    call=lambda gateway, asked: gateway.provider.search_providers(**asked),
    transform=to_provider,
    filters=(SEARCH,),
    items="items",
    path="providers",
    operation_id="searchProviders",
    resource=Resource.PROVIDER_SEARCH,
    tag="providers",
    doc="One page of providers, by name.",
    field_doc="Returns a page of providers, sorted by name.",
    dropped_by=(Changed.PROVIDER,),
)
PROVIDER: Final = RecordSpec(
    name="provider",
    service="provider",
    model=Provider,
    call=lambda gateway, ids: gateway.provider.get_provider(ids["provider_id"]),
    transform=to_provider,
    path="providers/<id:provider_id>",
    operation_id="getProvider",
    resource=Resource.PROVIDER_SEARCH,
    tag="providers",
    doc="One provider.",
    field_doc="Returns a single provider.",
    dropped_by=(Changed.PROVIDER,),
)


def claim_detail(
    gateway: Gateway, member_id: str, claim_id: str, *, scope: Scope, caller: Caller
) -> PendingValue[tuple[ClaimDetail, Section[ClaimPayload]]]:
    """One claim, and how it came about. Raises NotFoundError when it is another member's, or not at that provider."""
    call = gateway.call(gateway.claims.get_claim(claim_id, member_id=member_id, reader=reader_of(scope)))

    def shown() -> tuple[ClaimDetail, Section[ClaimPayload]]:
        claim, section = required_section(call)
        if claim.member_id != member_id or scope.provider_id not in {None, claim.provider_id}:
            raise NotFoundError
        return to_claim_detail(claim, may=what_may_be_done(caller, claim.member_id, claim.provider_id)), section

    return Deferred(shown)


def providers_by_id(gateway: Gateway, ids: Collection[str]) -> PendingValue[dict[str, Provider]]:
    """Those of these providers that there are, with one call. Raises what the provider service fails with.

    One whose name is no id cannot be asked for: it is left out, and costs none of the others.
    """
    askable = tuple(filter(is_id, ids))
    if not askable:
        return Deferred(dict)
    call = gateway.call(gateway.provider.search_providers(ids=askable, limit=len(askable)))

    return call.then(lambda page: {provider.id: provider for provider in map(to_provider, page.items)})


def what_may_be_done(caller: Caller, member_id: str, provider_id: str | None) -> frozenset[ClaimAction]:
    """Returns the actions that the access rules allow on a claim of a member and a provider, in any status."""
    return frozenset(action for action, resource in NEEDED.items() if _may(caller, resource, member_id, provider_id))


def _may(caller: Caller, resource: Resource, member_id: str, provider_id: str | None) -> bool:
    # A claim without a provider is no provider's: "" is nobody's id.
    try:
        scope_of(caller, resource, member_id=member_id, provider_id=provider_id or "")
    except AccessDeniedError:
        return False
    return True
