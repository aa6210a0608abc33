"""The documents of members over REST: what there is, what is in it, and more of it."""

from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiRequest
from rest_framework.request import Request

from gateway_clients.edge.access import Resource, allowed
from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.input import (
    ANY_TYPE,
    FORM_TYPE,
    ID_SCHEMA,
    IS_NO_ID,
    KINDS,
    attachment,
    django_request,
    is_id,
    safe_name,
    shown_type,
    uploaded_form,
)
from gateway_clients.edge.openapi import key_parameter, query_parameter, shows
from gateway_clients.edge.rest import WRITE_ERRORS, GatewayViewSet, list_action, upstream_key
from members import document_links
from members.aggregators import DOCUMENTS
from members.document_aggregators import content_of, document_of, store_document
from members.transformers.insured import content_path
from members.view_models.records import Document, DocumentLink

FORM: Final = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "claim_id": {
            **ID_SCHEMA,
            "description": "The claim it is for. Its part must stand before that of the file, which is handed on as it "
            "comes. A provider always names one.",
        },
        "file": {
            "type": "string",
            "format": "binary",
            "maxLength": 100_000_000,
            "description": "A PDF, JPEG or PNG, 100 MB at most; its first bytes are looked at. The form's last part.",
        },
    },
    "example": {"claim_id": "clm-000123", "file": "@invoice.pdf;type=application/pdf"},
}
KEY_PARAMETER: Final = key_parameter("Repeated with the same file, it is stored once.")


LINK_PARAMETER: Final = query_parameter(
    "link",
    "What a link holds in the access token's place.",
    {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$", "maxLength": 43},
)


class DocumentsViewSet(GatewayViewSet):
    """The documents of one member."""

    documents = list_action(DOCUMENTS)

    @shows(
        None,
        files=(*KINDS, ANY_TYPE),
        parameters=(LINK_PARAMETER,),
        headers={200: ("Content-Disposition",)},
        tags=["members"],
        operation_id="downloadDocument",
    )
    @allowed(Resource.CLAIM_DOCUMENTS)
    def content(self, request: Request, member_id: str, document_id: str) -> HttpResponseBase:
        """A document's bytes, to be saved; never cached. With the access token, or with a link instead.

        404 also for a document of another member, and for a provider unless it is of a claim made there.
        """
        document = document_of(self.gateway, member_id, document_id, scope=self.scope)
        content_type = shown_type(document.content_type)
        headers = {
            "Content-Disposition": attachment(safe_name(document.name, content_type)),
            "Referrer-Policy": "no-referrer",
        }
        if request.method == "HEAD":
            return StreamingHttpResponse((), content_type=content_type, headers=headers)
        content = content_of(self.gateway, document)
        headers["Content-Length"] = str(content.size_bytes)
        return StreamingHttpResponse(content, content_type=content_type, headers=headers)

    @shows(DocumentLink, status=201, errors=WRITE_ERRORS, tags=["members"], operation_id="createDocumentLink")
    @allowed(Resource.CLAIM_DOCUMENTS)
    def link(self, request: Request, member_id: str, document_id: str) -> HttpResponse:
        """Makes a link to a document's bytes for `<a href>`: for one download, within a minute.

        It stands for the account that asks, and dies with it, with its password and with its use. Ask for it when the
        user clicks, and keep it nowhere.
        """
        document_of(self.gateway, member_id, document_id, scope=self.scope)
        path = content_path(member_id, document_id)
        token, expires_at = document_links.make(self.caller.pk, path)
        url = django_request(request).build_absolute_uri(f"{path}?link={token}")
        return self.answer(DocumentLink(url=url, expires_at=expires_at), status=201)

    @shows(
        Document,
        status=201,
        request={FORM_TYPE: OpenApiRequest(FORM, encoding={"file": {"contentType": ", ".join(KINDS)}})},
        parameters=(KEY_PARAMETER,),
        errors=WRITE_ERRORS,
        tags=["members"],
        operation_id="uploadDocument",
    )
    @allowed(Resource.CLAIM_DOCUMENTS)
    def upload(self, request: Request, member_id: str) -> HttpResponse:
        """Stores a document of a member, or of a claim of theirs that is submitted or being processed.

        The parts of the form are read in their order: `claim_id`, where there is one, then `file`:
        `curl -F claim_id=clm-000123 -F "file=@invoice.pdf;type=application/pdf"`.
        504 when it is not known whether it was stored; it may be repeated with the same `Idempotency-Key`.
        """
        key = upstream_key(django_request(request), "upload")
        form = uploaded_form(django_request(request), fields=frozenset({"claim_id"}))
        claim_id = form.fields.get("claim_id")
        if claim_id is not None and not is_id(claim_id):
            raise BadUserInputError(errors={"claim_id": [IS_NO_ID]})
        document = store_document(
            self.gateway, member_id, form, claim_id=claim_id, scope=self.scope, idempotency_key=key
        )
        return self.answer(document, status=201)
