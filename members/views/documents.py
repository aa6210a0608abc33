"""The documents of members over REST: what there is, what is in it, and more of it."""

from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiRequest
from rest_framework.request import Request

from gateway_clients.caching.keys import ID_PATTERN
from gateway_clients.edge.access import Resource
from gateway_clients.edge.django_request import django_request
from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.files import ANY_TYPE, KINDS, attachment, safe_name, shown_type
from gateway_clients.edge.idempotency import upstream_key
from gateway_clients.edge.openapi import PAGE_PARAMETERS, id_parameter, shows
from gateway_clients.edge.parameters import id_of, page_of
from gateway_clients.edge.rules import allowed
from gateway_clients.edge.uploads import FORM_TYPE, uploaded_form
from gateway_clients.edge.views import GatewayViewSet
from gateway_clients.edge.writes import WRITE_ERRORS
from members.aggregators import member_documents
from members.document_aggregators import content_of, document_of, store_document
from members.view_models.records import Document, DocumentList

FORM: Final = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "claim_id": {
            "type": "string",
            "pattern": "^[A-Za-z0-9_-]{1,64}$",
            "description": "The claim it is for; must stand before the file. A provider always names one.",
        },
        "file": {"type": "string", "format": "binary", "description": "A PDF, JPEG or PNG, 100 MB at most."},
    },
}
KEY_PARAMETER: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Repeated with the same file, it is stored once.",
)


class DocumentsViewSet(GatewayViewSet):
    """The documents of one member."""

    @shows(
        DocumentList,
        parameters=(id_parameter("claim_id", "Only documents of this claim."), *PAGE_PARAMETERS),
        tags=["members"],
    )
    @allowed(Resource.MEMBER_DATA)
    def documents(self, request: Request, member_id: str) -> HttpResponse:
        """One page of documents, newest first."""
        query = request.query_params
        claim_id, page = id_of(query, "claim_id"), page_of(query)
        return self.answer(member_documents(self.gateway, member_id, page=page, claim_id=claim_id))

    @shows(None, files=(*KINDS, ANY_TYPE), tags=["members"])
    @allowed(Resource.CLAIM_DOCUMENTS)
    def content(self, request: Request, member_id: str, document_id: str) -> HttpResponseBase:
        """A document's bytes, to be saved; never cached.

        404 also for a document of another member, and for a provider unless it is of a claim made there.
        """
        document = document_of(self.gateway, member_id, document_id, scope=self.scope)
        content_type = shown_type(document.content_type)
        headers = {"Content-Disposition": attachment(safe_name(document.name, content_type))}
        if request.method == "HEAD":
            return StreamingHttpResponse((), content_type=content_type, headers=headers)
        content = content_of(self.gateway, document)
        headers["Content-Length"] = str(content.size_bytes)
        return StreamingHttpResponse(content, content_type=content_type, headers=headers)

    @shows(
        Document,
        status=201,
        request={FORM_TYPE: OpenApiRequest(FORM, encoding={"file": {"contentType": ", ".join(KINDS)}})},
        parameters=(KEY_PARAMETER,),
        errors=WRITE_ERRORS,
        tags=["members"],
    )
    @allowed(Resource.CLAIM_DOCUMENTS)
    def upload(self, request: Request, member_id: str) -> HttpResponse:
        """Stores a document of a member, or of a claim of theirs that is submitted or being processed.

        504 when it is not known whether it was stored; it may be repeated with the same `Idempotency-Key`.
        """
        key = upstream_key(django_request(request), "upload")
        form = uploaded_form(django_request(request), fields=frozenset({"claim_id"}))
        claim_id = form.fields.get("claim_id")
        if claim_id is not None and not ID_PATTERN.match(claim_id):
            raise BadUserInputError(errors={"claim_id": ["Must be an id: 1 to 64 letters, digits, _ or -."]})
        document = store_document(
            self.gateway, member_id, form, claim_id=claim_id, scope=self.scope, idempotency_key=key
        )
        return self.answer(document, status=201)
