"""Names and kinds of files: nothing of a name can do harm, and what is handed out says what it is."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_clients.edge.input.files import KINDS, attachment, kind_of, safe_name, shown_type

#: `Content-Disposition` with one name in ASCII, and at most one that is encoded.
HEADER = re.compile(
    r"""attachment; filename="[ !#$&'()+,.0-9=@A-Z\[\]^_`a-z{}~-]+"(; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]+)?"""
)
PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"


@pytest.mark.parametrize(
    ("name", "content_type", "safe"),
    [
        ("invoice.pdf", PDF, "invoice.pdf"),
        ("INVOICE.PDF", PDF, "INVOICE.pdf"),
        ("../../etc/passwd", PDF, "passwd.pdf"),
        ("C:\\Users\\siti\\scan.png", PNG, "scan.png"),
        ("scan.jpeg", JPEG, "scan.jpeg"),
        ("page.html", PDF, "page.html.pdf"),
        ('a"b;c.pdf', PDF, "a_b_c.pdf"),
        ("a\r\nSet-Cookie: x.pdf", PDF, "aSet-Cookie_ x.pdf"),
        ("kwitansi é 日本.pdf", PDF, "kwitansi é 日本.pdf"),
        ("fdp.\u202egpj.pdf", PDF, "fdp.gpj.pdf"),
        ("", PDF, "document.pdf"),
        ("...", PDF, "document.pdf"),
        (".pdf", PDF, "pdf.pdf"),
        ("x" * 300 + ".pdf", PDF, "x" * 120 + ".pdf"),
        ("anything.exe", "application/x-msdownload", "anything.exe"),
        ("", "text/html", "document"),
        ("x＂；filename＊=UTF-8＇＇pay.exe；y=＂", PDF, "x__filename_=UTF-8''pay.exe_y=_.pdf"),
        ("．．／．．＼x．pdf", PDF, "x.pdf"),
        ("../../x.pdf", PDF, "x.pdf"),
        ("a％0d％0ab.pdf", PDF, "a_0d_0ab.pdf"),
        ("e\u200d\u0301.pdf", PDF, "é.pdf"),
        ("文件", PDF, "文件.pdf"),
    ],
)
def test_a_name_is_made_safe(name: str, content_type: str, safe: str) -> None:
    assert safe_name(name, content_type) == safe


@given(st.text(max_size=300), st.sampled_from([*KINDS, "text/html", ""]))
def test_no_name_holds_anything_special(name: str, content_type: str) -> None:
    safe = safe_name(name, content_type)

    assert 0 < len(safe) <= 125
    assert not re.search(r'[\x00-\x1f\x7f/\\":;*?<>|%]', safe)
    assert not any(unicodedata.category(each).startswith("C") for each in safe)
    assert safe[0] not in ". "
    assert safe_name(safe, content_type) == safe
    assert HEADER.fullmatch(attachment(safe))


def test_a_name_beyond_ascii_is_told_in_both_ways() -> None:
    header = "attachment; filename=\"kwitansi e .pdf\"; filename*=UTF-8''kwitansi%20%C3%A9%20%E6%97%A5.pdf"

    assert attachment("kwitansi é 日.pdf") == header
    assert attachment("文件.pdf") == "attachment; filename=\"document.pdf\"; filename*=UTF-8''%E6%96%87%E4%BB%B6.pdf"
    assert attachment("文件") == "attachment; filename=\"document\"; filename*=UTF-8''%E6%96%87%E4%BB%B6"
    assert attachment("≮") == "attachment; filename=\"_\"; filename*=UTF-8''%E2%89%AE"
    assert attachment("a b.pdf") == 'attachment; filename="a b.pdf"'


@pytest.mark.parametrize(
    ("said", "beginning", "kind"),
    [
        (PDF, b"%PDF-1.7", PDF),
        (JPEG, b"\xff\xd8\xff\xe0", JPEG),
        (PNG, b"\x89PNG\r\n\x1a\n", PNG),
        ("application/octet-stream", b"%PDF-1.7", PDF),
        ("", b"\x89PNG\r\n\x1a\n", PNG),
        (PDF, b"\x89PNG\r\n\x1a\n", None),
        (PDF, b"hello", None),
        (PDF, b"", None),
        ("", b"", None),
        ("text/html", b"%PDF-1.7", None),
        ("image/svg+xml", b"<svg", None),
        ("", b"GIF89a", None),
        ("image/jpg", b"\xff\xd8\xff\xe0", JPEG),
        ("image/pjpeg", b"\xff\xd8\xff\xe0", JPEG),
        ("image/x-png", b"\x89PNG\r\n\x1a\n", PNG),
        ("application/x-pdf", b"%PDF-1.7", PDF),
        (PDF, b"\n%PDF-1.7", PDF),
        ("", b"\r\n \t\0%PDF-1.7", PDF),
        (PDF, b" " * 1100 + b"%PDF-1.7", None),
        (PDF, b"<html>\n%PDF-1.7", None),
        ("image/jpg", b"%PDF-1.7", None),
        (JPEG, b"\n\xff\xd8\xff\xe0", None),
    ],
)
def test_a_file_is_of_the_kind_it_begins_like_and_is_said_to_be(said: str, beginning: bytes, kind: str | None) -> None:
    assert kind_of(said, beginning) == kind


def test_what_is_no_known_kind_is_handed_out_as_bytes() -> None:
    assert shown_type("text/html") == "application/octet-stream"
    assert shown_type(PDF) == PDF


@pytest.mark.parametrize(("content_type", "shown"), [("image/jpg", JPEG), ("application/x-pdf", PDF)])
def test_a_kind_under_another_name_is_handed_out_under_its_own(content_type: str, shown: str) -> None:
    assert shown_type(content_type) == shown
