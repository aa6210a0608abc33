"""Documents in and out: whose they are is asked afresh, what they are is looked at, their names are made safe."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gateway_clients.invalidation import now_and_later
from tests.support.answering import LATE
from tests.upstream_answers import CLAIM, DOCUMENT

FOLDER = "/api/v1/members/m-1/documents"
CONTENT = f"{FOLDER}/d-1/content"
PDF = b"%PDF-1.4\nsomething"
BOUNDARY = "0123456789"


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The tags of each drop."""
    drops: list[tuple[str, ...]] = []
    monkeypatch.setattr(now_and_later, "invalidate", drops.append)
    return drops


def a_file(
    name: str = "invoice.pdf", content: bytes = PDF, content_type: str = "application/pdf"
) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type)


def form(*parts: tuple[str, bytes], end: str = f"--{BOUNDARY}--\r\n") -> dict[str, Any]:
    """A form of these parts (the rest of the disposition header and further ones, the content) as a request."""
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    )
    return {"data": body + end.encode(), "content_type": f"multipart/form-data; boundary={BOUNDARY}"}


FILE = ('name="file"; filename="a.pdf"\r\nContent-Type: application/pdf', PDF)
CLAIM_ID = ('name="claim_id"', b"clm-1")


def test_the_bytes_are_handed_out_as_a_file(as_, upstreams) -> None:
    upstreams.answers["getDocument"] = {**DOCUMENT, "name": 'kwitansi "é".pdf'}

    answer = as_("member").get(CONTENT)

    assert (answer.status_code, b"".join(answer)) == (200, b"%PDF-1.4\n")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Length"] == "9"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"kwitansi _e_.pdf\"; filename*=UTF-8''kwitansi%20_%C3%A9_.pdf"
    )
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/PDF", ""])
def test_what_a_browser_might_run_is_handed_out_as_mere_bytes(content_type: str, as_, upstreams) -> None:
    upstreams.answers["getDocument"] = {**DOCUMENT, "content_type": content_type}

    assert as_("member").get(CONTENT).headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "accept",
    [
        "application/pdf",
        "image/jpeg",
        "image/png",
        "application/octet-stream",
        "application/pdf, image/jpeg, image/png, application/octet-stream, application/problem+json",
        "application/*;q=0.1",
        "text/html, application/pdf;q=0.9",
        "",
        "*/*",
    ],
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_who_takes_any_of_the_listed_types_gets_the_file(method: str, accept: str, as_, upstreams) -> None:
    answer = getattr(as_("member"), method)(CONTENT, headers={"Accept": accept})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*;q=0"])
def test_who_takes_none_of_them_is_told_so_and_nobody_is_called(accept: str, as_, upstreams) -> None:
    answer = as_("member").get(CONTENT, headers={"Accept": accept})

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert upstreams.asked == []


def test_a_head_asks_what_it_is_and_not_for_the_bytes(as_, upstreams) -> None:
    answer = as_("member").head(CONTENT)

    assert (answer.status_code, b"".join(answer)) == (200, b"")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="invoice.pdf"'
    assert upstreams.operations == ["getDocument"]


@pytest.mark.parametrize(
    ("who", "document", "claim", "asked"),
    [
        ("member", {"member_id": "m-2"}, {}, ["getDocument"]),
        ("admin", {"member_id": "m-2"}, {}, ["getDocument"]),
        ("provider", {"member_id": "m-2"}, {}, ["getDocument"]),
        ("provider", {"claim_id": None}, {}, ["getDocument"]),
        ("provider", {}, {"provider": {"id": "p-2"}}, ["getDocument", "getClaim"]),
        ("provider", {}, {"provider": None}, ["getDocument", "getClaim"]),
        ("provider", {}, {"member_id": "m-2"}, ["getDocument", "getClaim"]),
    ],
)
def test_what_is_not_theirs_is_not_found_and_no_byte_is_asked_for(who, document, claim, asked, as_, upstreams) -> None:
    upstreams.answers |= {"getDocument": {**DOCUMENT, **document}, "getClaim": {**CLAIM, **claim}}

    answer = as_(who).get(CONTENT)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert upstreams.operations == asked


def test_whose_a_document_is_comes_from_no_cache(as_, upstreams) -> None:
    provider = as_("provider")

    for _ in range(2):
        assert provider.get(CONTENT).status_code == 200

    assert upstreams.operations == ["getDocument", "getClaim", "downloadDocument"] * 2


def test_another_document_than_asked_for_is_a_bad_answer(as_, upstreams) -> None:
    upstreams.answers["getDocument"] = {**DOCUMENT, "id": "d-2"}

    assert as_("member").get(CONTENT).status_code == 502


def test_a_file_is_handed_on_with_a_safe_name(as_, upstreams, dropped) -> None:
    answer = as_("member").post(FOLDER, {"claim_id": "clm-1", "file": a_file("in;voi:ce.pdf")})

    assert (answer.status_code, answer.json()["id"]) == (201, "d-1")
    assert upstreams.operations == ["getClaim", "uploadDocument"]
    boundary = upstreams.asked[1].headers["Content-Type"].partition("boundary=")[2]
    assert upstreams.uploaded.decode() == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="member_id"\r\n\r\nm-1\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="claim_id"\r\n\r\nclm-1\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="in_voi_ce.pdf"\r\n'
        f"Content-Type: application/pdf\r\n\r\n{PDF.decode()}\r\n--{boundary}--\r\n"
    )
    assert dropped == [("member:m-1:dashboard", "member:m-1:documents")]


NAMES = [
    ("x＂；filename＊=UTF-8＇＇pay.exe；y=＂", "x__filename_=UTF-8''pay.exe_y=_.pdf"),
    ("..／..／x.pdf", "x.pdf"),
    ("文件", "文件.pdf"),
]


@pytest.mark.parametrize(("name", "safe"), NAMES)
def test_a_name_is_normalised_before_it_is_cleaned_on_its_way_in(name: str, safe: str, as_, upstreams) -> None:
    head = f'name="file"; filename="{name}"\r\nContent-Type: application/pdf'

    assert as_("member").post(FOLDER, **form(CLAIM_ID, (head, PDF))).status_code == 201
    assert f'name="file"; filename="{safe}"\r\n'.encode() in upstreams.uploaded


@pytest.mark.parametrize(("name", "safe"), NAMES)
def test_a_name_is_normalised_before_it_is_cleaned_on_its_way_out(name: str, safe: str, as_, upstreams) -> None:
    upstreams.answers["getDocument"] = {**DOCUMENT, "name": name}

    header = as_("member").get(CONTENT).headers["Content-Disposition"]

    ascii_name = safe if safe.isascii() else "document.pdf"
    assert header.split("; filename*=")[0] == f'attachment; filename="{ascii_name}"'
    assert header.count("filename*=") == (0 if safe.isascii() else 1)


@pytest.mark.parametrize(
    ("content_type", "content", "kind"),
    [
        ("image/jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("application/x-pdf", PDF, "application/pdf"),
        ("application/pdf", b"\r\n" + PDF, "application/pdf"),
        ("Application/PDF; name=a", PDF, "application/pdf"),
    ],
)
def test_a_kind_under_another_name_is_taken(content_type: str, content: bytes, kind: str, as_, upstreams) -> None:
    upstreams.answers["uploadDocument"] = {**DOCUMENT, "claim_id": None}
    head = f'name="file"; filename="a"\r\nContent-Type: {content_type}'

    assert as_("member").post(FOLDER, **form((head, content))).status_code == 201
    assert f"Content-Type: {kind}\r\n\r\n".encode() + content in upstreams.uploaded


@pytest.mark.parametrize("status", ["cancelled", "approved", "rejected", "paid", "lost"])
@pytest.mark.parametrize("who", ["member", "provider", "admin"])
def test_a_claim_that_takes_no_documents_any_more_is_a_conflict(status: str, who: str, as_, upstreams) -> None:
    upstreams.answers["getClaim"] = {**CLAIM, "status": status}

    answer = as_(who).post(FOLDER, {"claim_id": "clm-1", "file": a_file()})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert upstreams.operations == ["getClaim"]
    assert upstreams.uploaded == b""


@pytest.mark.parametrize("status", ["submitted", "processing"])
def test_a_claim_that_is_under_way_takes_documents(status: str, as_, upstreams) -> None:
    upstreams.answers["getClaim"] = {**CLAIM, "status": status}

    assert as_("member").post(FOLDER, {"claim_id": "clm-1", "file": a_file()}).status_code == 201


def test_what_a_cancelled_claim_holds_is_still_handed_out(as_, upstreams) -> None:
    upstreams.answers["getClaim"] = {**CLAIM, "status": "cancelled"}

    assert as_("provider").get(CONTENT).status_code == 200


def test_a_member_may_send_a_file_that_is_for_no_claim(as_, upstreams) -> None:
    upstreams.answers["uploadDocument"] = {**DOCUMENT, "claim_id": None}

    assert as_("member").post(FOLDER, {"file": a_file()}).status_code == 201
    assert upstreams.operations == ["uploadDocument"]


def test_a_provider_names_a_claim(as_, upstreams) -> None:
    assert as_("provider").post(FOLDER, {"file": a_file()}).status_code == 403
    assert upstreams.asked == []


@pytest.mark.parametrize(
    ("who", "claim"), [("provider", {"provider": {"id": "p-2"}}), ("member", {"member_id": "m-2"})]
)
def test_a_file_for_a_claim_that_is_not_theirs_is_not_sent(who: str, claim, as_, upstreams) -> None:
    upstreams.answers["getClaim"] = {**CLAIM, **claim}

    assert as_(who).post(FOLDER, {"claim_id": "clm-1", "file": a_file()}).status_code == 404
    assert upstreams.operations == ["getClaim"]
    assert upstreams.uploaded == b""


def test_a_small_forms_fields_may_stand_behind_the_file(as_, upstreams) -> None:
    assert as_("member").post(FOLDER, **form(FILE, CLAIM_ID)).status_code == 201
    assert b'name="claim_id"\r\n\r\nclm-1' in upstreams.uploaded


def test_a_large_forms_fields_must_stand_before_the_file(as_, upstreams) -> None:
    large = (FILE[0], PDF + b"x" * 300_000)

    answer = as_("member").post(FOLDER, **form(large, CLAIM_ID))

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["claim_id"])
    assert not upstreams.uploaded


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/pdf", b"hello"),
        ("application/pdf", b""),
        ("application/pdf", b"\x89PNG\r\n\x1a\n"),
        ("text/html", PDF),
        ("image/gif", b"GIF89a"),
        ("image/svg+xml", b"<svg/>"),
    ],
)
def test_what_is_no_pdf_jpeg_or_png_is_not_taken(content_type: str, content: bytes, as_, upstreams) -> None:
    answer = as_("member").post(FOLDER, {"file": a_file("a.pdf", content, content_type)})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert upstreams.asked == []


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (form(), "file"),
        (form(CLAIM_ID), "file"),
        (form(FILE, FILE), "file"),
        (form(CLAIM_ID, CLAIM_ID, FILE), "claim_id"),
        (form(('name="claim_id"', b"a.b"), FILE), "claim_id"),
        (form(('name="claim_id"', b"x" * 2000), FILE), "claim_id"),
        (form(('name="claim_id"', b"\xff"), FILE), "claim_id"),
        (form(('name="member_id"', b"m-2"), FILE), "member_id"),
        (form(FILE, end=""), None),
        (form(FILE, end="--"), None),
        ({"data": b"nonsense", "content_type": "multipart/form-data; boundary=x"}, None),
        ({"data": b"nonsense", "content_type": "multipart/form-data"}, None),
        (form(("nothing", b"")), "form"),
        (form(*(CLAIM_ID for _ in range(20)), FILE), "claim_id"),
        (form((f'name="file"; filename="{"x" * 5000}"', PDF)), None),
    ],
)
def test_a_malformed_form_is_bad_input_and_nothing_is_sent(request_, field: str | None, as_, upstreams) -> None:
    answer = as_("member").post(FOLDER, **request_)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert list(answer.json().get("errors", {})) == ([] if field is None else [field])
    assert upstreams.asked == []


@pytest.mark.parametrize("content_type", ["application/json", "application/pdf", "text/plain", ""])
def test_another_kind_of_body_is_not_taken(content_type: str, as_, upstreams) -> None:
    answer = as_("member").post(FOLDER, data=PDF, content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("size", [400_000, 2_000_000])
def test_too_large_a_file_is_not_taken(size: int, as_, upstreams, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 399_999

    answer = as_("member").post(FOLDER, {"file": a_file(content=PDF + b"x" * (size - len(PDF)))})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not upstreams.uploaded


def test_a_file_of_the_largest_size_is_taken(as_, upstreams, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 400_000
    upstreams.answers["uploadDocument"] = {**DOCUMENT, "claim_id": None}

    answer = as_("member").post(FOLDER, {"file": a_file(content=PDF + b"x" * (400_000 - len(PDF)))})

    assert answer.status_code == 201


def test_the_key_upstream_is_the_accounts_own(as_, upstreams) -> None:
    def key_of(client: Any, **headers: str) -> str:
        upstreams.asked.clear()
        assert client.post(FOLDER, {"claim_id": "clm-1", "file": a_file()}, headers=headers).status_code == 201
        key: str = upstreams.asked[-1].headers["Idempotency-Key"]
        return key

    member, admin = as_("member"), as_("admin")
    key = {"Idempotency-Key": "k-1"}

    assert key_of(member, **key) == key_of(member, **key)
    assert key_of(member, **key) != key_of(admin, **key)
    assert key_of(member) != key_of(member)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é"])
def test_a_bad_key_is_bad_input(key: str, as_, upstreams) -> None:
    answer = as_("member").post(FOLDER, {"file": a_file()}, headers={"Idempotency-Key": key})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["Idempotency-Key"])
    assert upstreams.asked == []


@pytest.mark.parametrize(
    ("sent", "status", "code", "is_dropped"),
    [
        (LATE, 504, "upstream_timeout", True),
        (503, 504, "upstream_timeout", True),
        (422, 422, "upstream_refused", False),
        ({**DOCUMENT, "member_id": "m-2"}, 504, "upstream_timeout", True),
    ],
)
def test_an_upload_fails_as_writes_do(sent, status: int, code: str, is_dropped, as_, upstreams, dropped) -> None:
    upstreams.answers["uploadDocument"] = sent

    answer = as_("member").post(FOLDER, {"file": a_file()})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert bool(dropped) is is_dropped
