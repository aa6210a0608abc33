"""The document service."""

from typing import Final

from sandbox.messages import Answer, ProblemError, Question, Row, json_answer, page_answer
from sandbox.services.finding import found
from sandbox.world.papers import PDF
from sandbox.world.state import World

MOST_BYTES: Final = 100_000_000


def list_documents(world: World, question: Question) -> Answer:
    """The documents of a member or a claim, newest first."""
    asked = question.parameters
    return page_answer(world.documents.newest(asked["member_id"], asked["claim_id"]), question)


def upload_document(world: World, question: Question) -> Answer:
    """Stores a file, for a member or for a claim of theirs."""
    member_id, claim_id, file = question.body["member_id"], question.body.get("claim_id"), question.file
    if file is None:
        raise ProblemError(422, "file is required")
    if len(file.content) > MOST_BYTES:
        raise ProblemError(413, f"{MOST_BYTES} bytes at most")
    found(world.members, member_id, "member", status=422)
    if claim_id is not None and found(world.claims, claim_id, "claim", status=422)["member_id"] != member_id:
        raise ProblemError(422, "there is no such claim")
    row: Row = {
        "id": f"doc-{len(world.documents.by_id) + 1}",
        "member_id": member_id,
        "claim_id": claim_id,
        "name": file.name,
        "kind": "other",
        "content_type": file.content_type,
        "size_bytes": len(file.content),
        "uploaded_at": world.now(),
    }
    world.documents.add(row)
    world.contents[row["id"]] = file.content
    world.tell("document.added", {"member_id": member_id})
    return json_answer(row, 201)


def get_document(world: World, question: Question) -> Answer:
    """What it is."""
    return json_answer(found(world.documents.by_id, question.parameters["document_id"], "document"))


def download_document(world: World, question: Question) -> Answer:
    """Its bytes: a PDF as what it is, anything else as application/octet-stream."""
    row = found(world.documents.by_id, question.parameters["document_id"], "document")
    content_type = PDF if row["content_type"] == PDF else "application/octet-stream"
    return Answer(200, world.content_of(row), content_type)


OPERATIONS: Final = {
    "listDocuments": list_documents,
    "uploadDocument": upload_document,
    "getDocument": get_document,
    "downloadDocument": download_document,
}
