"""Which calls hand out a document, and which take one in; each asks afresh whose it is."""

import secrets

from django.conf import settings

from claims.errors import ClaimConflictError
from claims.transformers import ACTIONS
from claims.view_models import ClaimAction, ClaimStatus
from gateway_clients.edge.access import Scope
from gateway_clients.edge.errors import AccessDeniedError, NotFoundError
from gateway_clients.edge.input import KINDS, UploadedForm
from gateway_clients.edge.output import known
from gateway_clients.edge.rest import keep, outcome_of
from gateway_clients.errors import GatewayError
from gateway_clients.gateway import Gateway
from gateway_clients.invalidation import now_and_later
from gateway_clients.invalidation.rules import Change, Changed
from gateway_clients.pipeline.download import Incoming, Promised
from gateway_clients.services.claims import ClaimPayload
from gateway_clients.services.document import DocumentPayload, NewDocument
from members.transformers.insured import to_document
from members.view_models.records import Document


def document_of(gateway: Gateway, member_id: str, document_id: str, *, scope: Scope) -> DocumentPayload:
    """Returns a document's record. Raises NotFoundError for another member's, or one of no claim at that provider."""
    call = gateway.call(gateway.document.get_document(document_id))

    document = call.require()
    if document.member_id != member_id or (scope.provider_id is not None and document.claim_id is None):
        raise NotFoundError
    if scope.provider_id is not None and document.claim_id is not None:
        require_claim(gateway, member_id, document.claim_id, scope=scope)
    return document


def content_of(gateway: Gateway, document: DocumentPayload) -> Incoming:
    """The document's bytes, as they come. Raises what the document service fails with."""
    kind = KINDS.get(document.content_type)
    promised = Promised(
        size_bytes=document.size_bytes, content_type=document.content_type, magic=b"" if kind is None else kind.magic
    )
    return gateway.download(gateway.document.download_document(document.id), promised)


def require_claim(gateway: Gateway, member_id: str, claim_id: str, *, scope: Scope) -> ClaimPayload:
    """The claim as it is now. Raises NotFoundError when it is another member's, or not at that provider."""
    call = gateway.call(gateway.claims.get_claim(claim_id))

    claim = call.require()
    if claim.member_id != member_id or scope.provider_id not in {None, claim.provider_id}:
        raise NotFoundError
    return claim


def store_document(
    gateway: Gateway, member_id: str, form: UploadedForm, *, claim_id: str | None, scope: Scope, idempotency_key: str
) -> Document:
    """Hands a file on to the document service, as it comes; what it is then.

    Raises AccessDeniedError for a provider's file that is for no claim, NotFoundError as `require_claim` does,
    ClaimConflictError for a claim that takes no documents as it stands, what the file's pieces raise, and
    UpstreamTimeoutError when nobody knows whether it was stored.
    """
    if scope.provider_id is not None and claim_id is None:
        raise AccessDeniedError
    if claim_id is not None:
        claim = require_claim(gateway, member_id, claim_id, scope=scope)
        if ClaimAction.UPLOAD_DOCUMENT not in ACTIONS[known(claim.status, ClaimStatus)]:
            raise ClaimConflictError
    document = NewDocument(
        member_id=member_id,
        claim_id=claim_id,
        name=form.name,
        content_type=form.content_type,
        boundary=secrets.token_hex(16),
    )
    call = gateway.document.upload_document(document, idempotency_key=idempotency_key)
    change = Change(changed=Changed.DOCUMENTS, member_id=member_id)
    promise = now_and_later.promise([change], within_seconds=settings.STREAM_BUDGET_SECONDS)
    try:
        stored = gateway.upload(call, document.form(form.pieces))
    except GatewayError as error:
        raise outcome_of(error, promise) from error
    keep(promise, call.service)
    return to_document(stored)
