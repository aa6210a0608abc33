"""The GraphQL types of claims and providers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from graphene import Field, InputField, InputObjectType, Int, List, NonNull, String

from claims.aggregators import claim_detail, providers_by_id, what_may_be_done
from claims.transformers import ACTIONS
from claims.view_models import (
    ClaimAction,
    ClaimDetail,
    ClaimItem,
    ClaimResponse,
    ClaimsSummary,
    ClaimStatus,
    ClaimSummary,
    ListedClaim,
    Provider,
    ProviderType,
    StatusColor,
    StatusSum,
    Submission,
    SubmissionStatus,
    TimelineEntry,
)
from gateway_clients.edge.access import Resource, scope_of
from gateway_clients.edge.errors import NotFoundError
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.graphql.scalars import Date, Rupiah
from gateway_clients.edge.graphql.type_registry import Source
from gateway_clients.edge.graphql.types import TYPES
from gateway_clients.edge.input import is_id
from gateway_clients.pipeline.pending_value import Deferred, PendingValue, gather

Claims = Sequence[Mapping[str, Any]]

#: What an operation costs more for each claim whose details are loaded.
DETAILS_COST: Final = 10


def load_providers(info: ResolverInfo, claims: Claims) -> PendingValue[Sequence[Provider | None]]:
    """Loads the providers of these claims with one call. Raises what the provider
    service fails with.
    """
    scope_of(info.caller, Resource.PROVIDER_SEARCH)
    ids = {claim["provider_id"] for claim in claims} - {None}
    return providers_by_id(info.context.gateway, ids).then(
        lambda found: [found.get(claim["provider_id"]) for claim in claims]
    )


def load_details(info: ResolverInfo, claims: Claims) -> PendingValue[list[ClaimDetail | Exception]]:
    """Loads the details of these claims side by side; for one that cannot be loaded,
    the exception.
    """
    return gather([_detail(info, claim) for claim in claims])


def _detail(info: ResolverInfo, claim: Mapping[str, Any]) -> PendingValue[ClaimDetail]:
    claim_id, member_id = claim["id"], claim["member_id"]
    if not (is_id(claim_id) and is_id(member_id)):
        return Deferred(_not_found)
    scope = scope_of(info.caller, Resource.MEMBER_CLAIMS, member_id=member_id)
    found = claim_detail(info.context.gateway, member_id, claim_id, scope=scope, caller=info.caller)
    return found.then(lambda each: each[0])


def _not_found() -> ClaimDetail:
    raise NotFoundError


def load_actions(info: ResolverInfo, claims: Claims) -> Sequence[Sequence[ClaimAction]]:
    """What the caller is allowed to do with these claims. No service is called."""
    return [_actions(info, claim) for claim in claims]


def _actions(info: ResolverInfo, claim: Mapping[str, Any]) -> Sequence[ClaimAction]:
    may = what_may_be_done(info.caller, claim["member_id"], claim["provider_id"])
    return [action for action in ACTIONS[ClaimStatus(claim["status"])] if action in may]


def _detail_source(name: str) -> Source:
    return Source(name, load=load_details, part=name, cost=DETAILS_COST)


CLAIM_STATUS: Final = TYPES.enum(
    ClaimStatus,
    submitted="Received, and not yet being processed.",
    processing="Being assessed by the insurer.",
    approved="Approved, and not yet paid.",
    rejected="Turned down. It can be appealed.",
    paid="Approved and paid out.",
    cancelled="Withdrawn before it was processed.",
    unknown="A status that this version of the API does not know.",
)
TYPES.enum(
    StatusColor,
    blue="For claims that were submitted.",
    orange="For claims that are being processed.",
    green="For claims that were approved or paid.",
    red="For claims that were rejected.",
    gray="For any other status.",
)
TYPES.enum(
    ClaimAction,
    cancel="`cancelClaim` is allowed.",
    upload_document="A document can be uploaded to the claim.",
    appeal="`appealClaim` is allowed.",
    download_eob="The explanation of benefits can be downloaded.",
)
TYPES.enum(
    ProviderType,
    hospital="A hospital.",
    clinic="A clinic.",
    pharmacy="A pharmacy.",
    laboratory="A laboratory.",
    unknown="A type that this version of the API does not know.",
)
TYPES.enum(
    SubmissionStatus,
    pending="Sent, with an outcome that is not known yet. It is being found out in the background.",
    submitted="Accepted. `claim` is the claim as it is now.",
    refused="Refused. `error` says why.",
)
PROVIDER = TYPES.make(Provider, without=("meta",))
TYPES.make(ClaimItem, identity="{owner}:{index}")
TYPES.make(TimelineEntry, name="ClaimEvent", identity="{owner}:{index}")
CLAIM = TYPES.make(
    ClaimDetail,
    name="Claim",
    also=(ClaimSummary, ListedClaim),
    renamed={"amount": "total_amount"},
    without=("provider", "meta"),
    loaded={
        "approved_amount": _detail_source("approved_amount"),
        "formatted_approved_amount": _detail_source("formatted_approved_amount"),
        "rejection_reason": _detail_source("rejection_reason"),
        "submitted_at": _detail_source("submitted_at"),
        "items": _detail_source("items"),
        "timeline": _detail_source("timeline"),
        "actions": Source("actions", load=load_actions),
    },
    more={
        "provider": (
            Field(PROVIDER, description="The provider that treated the member; null when it is not listed."),
            Source("listed_provider", load=load_providers),
        )
    },
)
TYPES.make(StatusSum, identity="{parent}:{status}")
CLAIMS_SUMMARY = TYPES.make(ClaimsSummary, identity="{kind}:{owner}")
SUBMISSION = TYPES.make(Submission, identity="{submission_id}")
CLAIM_RESPONSE = TYPES.make(ClaimResponse)


class ClaimItemInput(InputObjectType):
    """A treatment to claim for."""

    benefit_code = InputField(NonNull(String), description="The code of the benefit that covers the treatment.")
    amount = InputField(NonNull(Rupiah), description="The price of one unit, from 1 to 1,000,000,000,000 rupiah.")
    quantity = InputField(Int, description="How many units, from 1 to 999. Defaults to 1.")
    description = InputField(String, description="What was done, for people to read.")


class ClaimInput(InputObjectType):
    """A claim to submit."""

    member_id = InputField(NonNull(String), description="The member who was treated.")
    provider_id = InputField(NonNull(String), description="The provider that treated the member.")
    service_date = InputField(
        NonNull(Date), description="The day of treatment. Not in the future, and at most 5 years ago."
    )
    items = InputField(NonNull(List(NonNull(ClaimItemInput))), description="The treatments, from 1 to 50.")
    diagnosis_code = InputField(String, description="The ICD-10 code of the diagnosis.")
    notes = InputField(String, description="Notes for the insurer, up to 2,000 characters.")
    idempotency_key = InputField(
        String,
        description="Makes retries safe: the same key and claim again, within 24 hours, return the first result. "
        "Overrides the `Idempotency-Key` header.",
    )
