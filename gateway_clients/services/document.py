"""The document service: what is on file for a member or a claim. Their content is streamed, never kept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import SAMPLE_ITEMS, Service, representation_of
from gateway_clients.services.payload_parser import Count, Moment, Page, Payload, hold_in_utc, nothing, one, page


class DocumentPayload(Payload, frozen=True):
    """What a document is; not its content."""

    id: str
    member_id: str
    name: str
    content_type: str
    size_bytes: Count
    uploaded_at: Moment
    claim_id: str | None = None
    kind: str | None = None

    def __post_init__(self) -> None:
        """Moments are kept in UTC."""
        hold_in_utc(self, "uploaded_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document that is being stored. Its texts hold no quotes and no line breaks; `boundary` is made by chance."""

    member_id: str
    claim_id: str | None
    name: str
    content_type: str
    boundary: str

    def form(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The form to send (RFC 7578), with the file's bytes as they come."""
        start = f"--{self.boundary}\r\nContent-Disposition: form-data; name="
        fields = {"member_id": self.member_id, "claim_id": self.claim_id}
        head = "".join(f'{start}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items() if value is not None)
        head += f'{start}"file"; filename="{self.name}"\r\nContent-Type: {self.content_type}\r\n\r\n'
        yield head.encode()
        yield from pieces
        yield f"\r\n--{self.boundary}--\r\n".encode()


class DocumentService(Service):
    """The typed client of the document service."""

    name = "document"

    def sample(self, member_id: str) -> Call[Page[DocumentPayload]]:
        return self.list_documents(member_id, limit=SAMPLE_ITEMS)

    def list_documents(
        self, member_id: str, *, claim_id: str | None = None, limit: int = 20, offset: int = 0
    ) -> Call[Page[DocumentPayload]]:
        """A member's documents, or those of one of their claims; newest first."""
        query = {"claim_id": claim_id, "limit": limit, "offset": offset}

        def is_asked_for(document: DocumentPayload) -> bool:
            return document.member_id == member_id and (claim_id is None or document.claim_id == claim_id)

        key = CacheKey(
            DataClass.DOCUMENTS,
            representation_of("list", query),
            subject=Subject.member(member_id),
            also_about=() if claim_id is None else (Subject.claim(claim_id),),
        )
        parse = page(DocumentPayload, is_asked_for=is_asked_for)
        return self._read("listDocuments", ("documents",), parse, query={"member_id": member_id, **query}, key=key)

    def get_document(self, document_id: str) -> Call[DocumentPayload]:
        """Gets a document's record; never cached, because it decides who may have the content."""
        parse = one(DocumentPayload, is_asked_for=lambda document: document.id == document_id)
        return self._read("getDocument", ("documents", document_id), parse)

    def download_document(self, document_id: str) -> Call[None]:
        """A document's content, for `Gateway.download`."""
        call = self._read("downloadDocument", ("documents", document_id, "content"), nothing)
        return replace(call, accept="*/*")

    def upload_document(self, document: NewDocument, *, idempotency_key: str) -> Call[DocumentPayload]:
        """Stores a document, for `Gateway.upload` with its form; repeated with the same key it is stored once."""

        def is_asked_for(stored: DocumentPayload) -> bool:
            return stored.member_id == document.member_id and stored.claim_id == document.claim_id

        parse = one(DocumentPayload, is_asked_for=is_asked_for)
        call = self._write("uploadDocument", ("documents",), parse, idempotency_key=idempotency_key)
        return replace(call, content_type=f"multipart/form-data; boundary={document.boundary}")
