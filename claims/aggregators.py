"""Which calls make the views of claims and providers."""

import datetime
from collections.abc import Collection, Mapping
from typing import Final

from claims.transformers import to_claim_detail, to_claim_summaries, to_provider, to_providers
from claims.view_models import ClaimAction, ClaimDetail, ClaimList, Provider, ProviderList
from gateway_clients.caching.keys import Subject
from gateway_clients.edge.access import Caller, Resource, Scope, scope_of
from gateway_clients.edge.errors import AccessDeniedError, NotFoundError
from gateway_clients.edge.parameters import Page, is_id
from gateway_clients.edge.sections import required_section
from gateway_clients.edge.view_models import meta_of
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.section import Section
from gateway_clients.services.claims import ClaimPayload
from gateway_clients.services.provider import ProviderPayload

#: Which row of the access table lets an account do what with a claim.
NEEDED: Final[Mapping[ClaimAction, Resource]] = {
    ClaimAction.CANCEL: Resource.CLAIM_CHANGES,
    ClaimAction.APPEAL: Resource.CLAIM_CHANGES,
    ClaimAction.UPLOAD_DOCUMENT: Resource.CLAIM_DOCUMENTS,
    ClaimAction.DOWNLOAD_EOB: Resource.CLAIM_DOCUMENTS,
}


def claim_list(
    gateway: Gateway,
    *,
    scope: Scope,
    page: Page,
    member_id: str | None = None,
    provider_id: str | None = None,
    status: str | None = None,
    service_date_from: datetime.date | None = None,
    service_date_to: datetime.date | None = None,
) -> ClaimList:
    """One page of the claims the caller may see of those asked for. Raises what the claims service fails with."""
    call = gateway.call(
        gateway.claims.list_claims(
            member_id=scope.member_id or member_id,
            provider_id=scope.provider_id or provider_id,
            status=status,
            service_date_from=service_date_from,
            service_date_to=service_date_to,
            limit=page.limit,
            offset=page.offset,
            reader=reader_of(scope),
        )
    )

    found, section = required_section(call)
    return ClaimList(
        claims=to_claim_summaries(found)[: page.limit],
        total=found.total,
        limit=page.limit,
        offset=page.offset,
        meta=meta_of({"claims": section}),
    )


def claim_detail(
    gateway: Gateway, member_id: str, claim_id: str, *, scope: Scope, caller: Caller
) -> tuple[ClaimDetail, Section[ClaimPayload]]:
    """One claim, and how it came about. Raises NotFoundError when it is another member's, or not at that provider."""
    call = gateway.call(gateway.claims.get_claim(claim_id, member_id=member_id, reader=reader_of(scope)))

    claim, section = required_section(call)
    if claim.member_id != member_id or scope.provider_id not in {None, claim.provider_id}:
        raise NotFoundError
    return to_claim_detail(claim, may=what_may_be_done(caller, claim)), section


def provider_list(gateway: Gateway, *, page: Page, q: str | None = None) -> ProviderList:
    """One page of providers. Raises what the provider service fails with."""
    call = gateway.call(gateway.provider.search_providers(q=q, limit=page.limit, offset=page.offset))

    found, section = required_section(call)
    return ProviderList(
        items=to_providers(found)[: page.limit],
        total=found.total,
        limit=page.limit,
        offset=page.offset,
        meta=meta_of({"items": section}),
    )


def providers_by_id(gateway: Gateway, ids: Collection[str]) -> dict[str, Provider]:
    """Those of these providers that there are, with one call. Raises what the provider service fails with.

    One whose name is no id cannot be asked for: it is left out, and costs none of the others.
    """
    askable = tuple(filter(is_id, ids))
    if not askable:
        return {}
    call = gateway.call(gateway.provider.search_providers(ids=askable, limit=len(askable)))

    return {provider.id: provider for provider in to_providers(call.require())}


def provider_detail(gateway: Gateway, provider_id: str) -> tuple[Provider, Section[ProviderPayload]]:
    """One provider, and how it came about. Raises what the provider service fails with."""
    call = gateway.call(gateway.provider.get_provider(provider_id))

    provider, section = required_section(call)
    return to_provider(provider), section


def reader_of(scope: Scope) -> Subject | None:
    """Whose cache entries a read uses: a provider has its own, members and admins share theirs."""
    return None if scope.provider_id is None else Subject.provider(scope.provider_id)


def what_may_be_done(caller: Caller, claim: ClaimPayload) -> frozenset[ClaimAction]:
    """What the access table lets the caller do with the claim, whatever its status."""
    return frozenset(action for action, resource in NEEDED.items() if _may(caller, resource, claim))


def _may(caller: Caller, resource: Resource, claim: ClaimPayload) -> bool:
    # A claim without a provider is no provider's: "" is nobody's id.
    try:
        scope_of(caller, resource, member_id=claim.member_id, provider_id=claim.provider_id or "")
    except AccessDeniedError:
        return False
    return True
