"""Makes the documents of the claims, and the PDF of each whenever it is asked for."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from sandbox.messages import Row

#: Kind of document, how often a claim has one, the status it needs (None: any).
KINDS: Final = (
    ("invoice", 0.8, None),
    ("prescription", 0.25, None),
    ("medical_report", 0.2, None),
    ("explanation_of_benefits", 1.0, "paid"),
)
PDF: Final = "application/pdf"


def make_documents(seed: int, claims: Sequence[Row], members: Mapping[str, Row]) -> list[Row]:
    """The documents, oldest first. Each one's size is that of the PDF that `pdf_of` makes for it."""
    rng = Random(f"{seed}:documents")
    documents = []
    for claim in claims:
        for kind, share, status in KINDS:
            if rng.random() >= share or status not in (None, claim["status"]):
                continue
            uploaded_at = claim["history"][-1 if status else 0]["at"]
            documents.append(
                {
                    "id": "",
                    "member_id": claim["member_id"],
                    "claim_id": claim["id"],
                    "name": f"{kind.replace('_', '-')}-{claim['claim_number']}.pdf",
                    "kind": kind,
                    "content_type": PDF,
                    "size_bytes": 0,
                    "uploaded_at": uploaded_at,
                }
            )
    documents.sort(key=lambda document: document["uploaded_at"])
    by_id = {claim["id"]: claim for claim in claims}
    for number, document in enumerate(documents, start=1):
        document["id"] = f"doc-{number}"
        document["size_bytes"] = len(pdf_of(document, by_id[document["claim_id"]], members[document["member_id"]]))
    return documents


def pdf_of(document: Row, claim: Row, member: Row) -> bytes:
    """The document as a PDF of one page. It holds only what never changes, so that its size stays the same."""
    lines = [
        document["kind"].replace("_", " ").capitalize(),
        f"Document {document['id']}  -  {document['uploaded_at'][:10]}",
        f"Claim CLM-{claim['claim_number']}, service date {claim['service_date']}",
        f"Member {member['first_name']} {member['last_name']}, number {member['member_number']}",
        f"Provider {claim['provider']['name']}, {claim['provider']['location']}",
        "",
    ]
    lines += [f"{item['quantity']} x {item['description']}: Rp {item['amount']:,}" for item in claim["items"]]
    lines += ["", f"Total Rp {claim['total_amount']:,}", "Sandbox data. Not a real document."]
    return _pdf(lines)


def _pdf(lines: Sequence[str]) -> bytes:
    escaped = [line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for line in lines]
    text = "BT /F1 12 Tf 16 TL 56 780 Td " + " ".join(f"({line}) Tj T*" for line in escaped) + " ET"
    stream = text.encode("latin-1", "replace")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    )
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    table = bytearray(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for number, content in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    tail = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return bytes(out + table + tail)
