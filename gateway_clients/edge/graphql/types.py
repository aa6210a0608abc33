"""The types of this schema, and those of them that every view has."""

from typing import Final

from graphene import Field, NonNull, String

from gateway_clients.edge.graphql.type_registry import Source, TypeRegistry
from gateway_clients.edge.output.view_models import SectionMeta, ViewMeta
from gateway_clients.errors import ErrorCode
from gateway_clients.pipeline.outcome import SectionState

#: Each app makes its own types here.
TYPES: Final = TypeRegistry()

SECTION_STATE: Final = TYPES.enum(
    SectionState,
    fresh="The service was asked just now.",
    cached="Kept from an earlier answer that is still current.",
    stale="The service failed. This is its last good answer; `age` says how old it is and `error` why it is shown.",
    fallback="The service failed and nothing of it is kept. Only what the gateway knows itself is shown.",
    unavailable="The service failed and there is nothing to show. The section is null and `error` says why.",
)
ERROR_CODE: Final = TYPES.enum(
    ErrorCode,
    bad_user_input="The input breaks a rule.",
    member_not_eligible="The member is not eligible for treatment there on that day.",
    provider_not_active="The provider is not active.",
    unauthenticated="No access token was sent, or it is not valid.",
    token_expired="The access token has expired. Refresh it.",  # noqa: S106 - a description
    wrong_credentials="The e-mail address or the password is wrong.",
    forbidden="The account is not allowed to see or do this.",
    not_found="There is no such object, or it belongs to somebody else.",
    method_not_allowed="The address does not take this HTTP method.",
    not_acceptable="None of the accepted media types can be returned.",
    conflict="The state of the object does not allow this.",
    request_in_progress="A request with the same idempotency key is still being carried out.",
    token_already_rotated="Another request used this refresh token a moment ago.",  # noqa: S106 - a description
    too_large="The body is too large.",
    unsupported_media_type="The body has a media type that is not supported.",
    key_reused="The idempotency key was used for another request.",
    upstream_refused="The service refused the write.",
    rate_limited="Too many requests. Wait as long as `Retry-After` says.",
    internal_error="Something unforeseen went wrong in the gateway.",
    upstream_bad_answer="The service's answer could not be used.",
    upstream_unavailable="The service could not be reached.",
    circuit_open="The service has been failing and is not being called for now.",
    upstream_busy="The service is at its limit.",
    overloaded="The gateway is at its limit.",
    upstream_timeout="The service did not answer in time.",
    deadline_exceeded="The time budget of the request is used up.",
)
SECTION_META: Final = TYPES.make(
    SectionMeta,
    identity="{owner}:{name}",
    nullable=("age", "omitted", "drifted"),
    more={"name": (Field(NonNull(String), description="The field of the view that shows it."), Source("name"))},
)
VIEW_META: Final = TYPES.make(ViewMeta, identity="")
