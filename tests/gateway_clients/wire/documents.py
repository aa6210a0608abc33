"""Documents that tests send and fetch through the pipeline for bytes."""

from typing import Any

from gateway_clients.pipeline import transfers
from gateway_clients.pipeline.download import Download, Promised
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.stream_passage import stream_bulkhead
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.document import DocumentService, NewDocument

ASKER = RequestOrigin(request_id="request-of-a-test", on_behalf_of="account-1")
SERVICE = DocumentService()
PDF = b"%PDF-1.4\n"


def download(document: dict[str, Any], *, seconds: float = 5.0) -> Download:
    call = SERVICE.download_document(document["id"])
    promised = Promised(
        size_bytes=document["size_bytes"], content_type=document["content_type"], magic=document.get("magic", b"%PDF-")
    )
    return transfers.download(call, ASKER, Deadline.after(seconds), promised)


def upload(pieces: Any, *, key: str = "k-1", seconds: float = 5.0) -> Any:
    document = NewDocument(
        member_id="m-1", claim_id=None, name="a.pdf", content_type="application/pdf", boundary="0123456789"
    )
    call = SERVICE.upload_document(document, idempotency_key=key)
    return transfers.upload(call, document.form(pieces), ASKER, Deadline.after(seconds))


def all_places_are_free() -> bool:
    return stream_bulkhead("document").in_flight == 0
