"""The document service."""

from gateway_clients.gateway import Gateway
from gateway_clients.services.document import NewDocument
from tests.sandbox.asking import UPLOAD
from tests.upstreams.samples import Change, Effect, Example, Foreign, Json, Read, UpstreamSamples, a_page, first_page

document = Gateway.document
DOCUMENT: Json = {
    "id": "d-1",
    "member_id": "m-1",
    "claim_id": "clm-1",
    "name": "invoice.pdf",
    "content_type": "application/pdf",
    "size_bytes": 9,
    "uploaded_at": "2026-03-01T00:00:00Z",
}
NEW_DOCUMENT = NewDocument(
    member_id="m-1", claim_id=None, name="a.pdf", content_type="application/pdf", boundary="0123456789"
)

SAMPLES = UpstreamSamples(
    well={
        "listDocuments": a_page(DOCUMENT, total=17),
        "getDocument": DOCUMENT,
        "downloadDocument": b"%PDF-1.4\n",
    },
    done={"uploadDocument": DOCUMENT},
    reads=[
        Read(
            document.list_documents("m-1", claim_id="clm-1", limit=5),
            "listDocuments",
            "GET /documents?member_id=m-1&claim_id=clm-1&limit=5&offset=0",
            "documents:member:m-1:list:claim_id=clm-1&limit=5&offset=0",
            {"member:m-1", "claim:clm-1"},
        ),
        Read(document.get_document("d-1"), "getDocument", "GET /documents/d-1", None, set()),
        Read(document.download_document("d/1"), "downloadDocument", "GET /documents/d%2F1/content", None, set()),
    ],
    changes=[
        Change(
            document.upload_document(NEW_DOCUMENT, idempotency_key="k"),
            "uploadDocument",
            "POST /documents",
            None,
            "k",
            False,
        ),
    ],
    shown={
        "members/m-1/documents": first_page(
            "documents",
            {
                "id": "d-1",
                "claim_id": "clm-1",
                "name": "invoice.pdf",
                "kind": None,
                "content_type": "application/pdf",
                "size_bytes": 9,
                "uploaded_at": "2026-03-01T00:00:00Z",
                "content_url": "/api/v1/members/m-1/documents/d-1/content",
            },
        ),
    },
    foreign=[
        Foreign(document.list_documents("m-1"), a_page(DOCUMENT), a_page(DOCUMENT | {"member_id": "m-2"})),
        Foreign(
            document.list_documents("m-1", claim_id="clm-1"), a_page(DOCUMENT), a_page(DOCUMENT | {"claim_id": None})
        ),
        Foreign(document.get_document("d-1"), DOCUMENT, DOCUMENT | {"id": "d-2"}),
    ],
    examples={
        "listDocuments": Example(200, "GET", "/documents?member_id=m-1"),
        "uploadDocument": Example(201, "POST", "/documents", files=UPLOAD),
        "getDocument": Example(200, "GET", "/documents/doc-1"),
        "downloadDocument": Example(200, "GET", "/documents/doc-1/content"),
    },
    effects=[
        Effect("document.added", {"member_id": "m-1"}, "member", "members/m-1", {"documents"}),
        Effect("document.added", {"member_id": "m-1"}, "member", "members/m-1/documents", {"documents"}),
    ],
)
