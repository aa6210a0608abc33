"""Answers with a file, byte by byte over a socket: which are handed out, and which are refused before any byte."""

import gzip
import threading
import tracemalloc
from typing import Any

import pytest

from gateway_clients import instrumentation
from gateway_clients.errors import (
    UpstreamConnectionError,
    UpstreamContractError,
)
from gateway_clients.pipeline.download import HELD_BYTES, Download
from gateway_clients.pipeline.upstreams import upstream
from tests.gateway_clients.wire.documents import PDF, all_places_are_free, download, upload
from tests.support.upstream import Asked, Script, Wire, answer, closes_after, says


def asked_of(serve: Any, settings: Any, script: Script, **changes: Any) -> Download:
    """A PDF of nine bytes, unless changed, of an upstream that does what the script says."""
    settings.DOCUMENT_SERVICE_URL = serve(script).url
    upstream("document").breaker.reset()
    document = {"id": "d-1", "size_bytes": len(PDF), "content_type": "application/pdf", **changes}
    return download(document)


def file(content: bytes = PDF, content_type: str = "application/pdf", **headers: str) -> bytes:
    """An answer with a file."""
    told = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return answer(content, headers=list(told.items()))


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nTransfer-Encoding: chunked\r\n\r\n"
MOVED = b"HTTP/1.1 302 Found\r\n"
LARGE = PDF + b"x" * 200_000
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
STORED = (
    b'{"id":"d-1","member_id":"m-1","name":"a.pdf","content_type":"application/pdf","size_bytes":9,'
    b'"uploaded_at":"2026-03-01T00:00:00Z"}'
)


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (HINTS * 3 + b"HTTP/1.1 102 Processing\r\n\r\n" + file(), PDF),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + file(), PDF),
        (file(gzip.compress(PDF), Content_Encoding="gzip"), PDF),
        (file(gzip.compress(LARGE), Content_Encoding="X-GZIP"), LARGE),
        (file(Content_Encoding="identity"), PDF),
        (CHUNKED + b"4\r\n%PDF\r\n5\r\n-1.4\n\r\n0\r\nX: y\r\n\r\n", PDF),
        (file(content_type="application/octet-stream"), PDF),
        (file(content_type="Application/PDF; charset=binary"), PDF),
        (file(b"\r\n" + PDF), b"\r\n" + PDF),
        (file(LARGE), LARGE),
    ],
    ids=["hints", "continue", "gzip", "large gzip", "identity", "chunks", "octets", "type", "later", "large"],
)
def test_a_lawful_answer_is_handed_out_as_it_was_meant(serve, settings, data: bytes, content: bytes) -> None:
    got = asked_of(serve, settings, says(data), size_bytes=len(content))

    assert (got.size_bytes, b"".join(got)) == (len(content), content)
    assert all_places_are_free()


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (says(file(b"<html>...", "text/html")), UpstreamContractError),
        (says(file(b"<html>...")), UpstreamContractError),
        (says(file(PDF[:-1])), UpstreamContractError),
        (says(file(PDF + b"x")), UpstreamContractError),
        (says(CHUNKED + b"4\r\n%PDF\r\n0\r\n\r\n"), UpstreamContractError),
        (says(CHUNKED + b"a\r\n%PDF-1.4\nx\r\n0\r\n\r\n"), UpstreamContractError),
        (closes_after(file()[:-1]), UpstreamConnectionError),
        (closes_after(CHUNKED + b"9\r\n%PDF"), UpstreamConnectionError),
        (says(file(PDF, Content_Encoding="br")), UpstreamContractError),
        (says(file(PDF, Content_Encoding="gzip")), UpstreamContractError),
        (says(file(gzip.compress(PDF)[:-4], Content_Encoding="gzip")), UpstreamContractError),
        (says(file(gzip.compress(PDF) + b"x", Content_Encoding="gzip")), UpstreamContractError),
        (says(file(gzip.compress(PDF[:-1]), Content_Encoding="gzip")), UpstreamContractError),
        (says(file(gzip.compress(PDF + bytes(90_000_000)), Content_Encoding="gzip")), UpstreamContractError),
        (says(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 9\r\n\r\n" + PDF), UpstreamContractError),
        (says(b"HTTP/1.1 200 OK\r\nnot a header\r\nContent-Length: 9\r\n\r\n" + PDF), UpstreamContractError),
        (closes_after(b"HTTP/1.1 200 OK\r\nContent-Le"), UpstreamConnectionError),
        (says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), UpstreamContractError),
        (says(MOVED + b"Location: http://[\r\nContent-Length: 0\r\n\r\n"), UpstreamContractError),
        (says(MOVED + b"Location: \xff\r\nContent-Length: 0\r\n\r\n"), UpstreamContractError),
        (says(HINTS * 3_000), UpstreamContractError),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000), UpstreamContractError),
    ],
    ids=[
        "HTML",
        "HTML as a PDF",
        "shorter",
        "longer",
        "shorter in chunks",
        "longer in chunks",
        "cut off",
        "cut off in a chunk",
        "unknown encoding",
        "not gzip",
        "gzip cut off",
        "gzip and more",
        "shorter in gzip",
        "a bomb",
        "a part",
        "a line that is no header",
        "ends in the head",
        "an upgrade",
        "a redirect to no address",
        "a redirect to bytes",
        "interim answers",
        "headers",
    ],
)
def test_what_is_not_the_file_is_told_before_any_of_it(serve, settings, script: Script, kind) -> None:
    with pytest.raises(kind) as raised:
        asked_of(serve, settings, script)

    assert (raised.value.was_sent, upstream("document").breaker.fail_counter) == (True, 1)
    assert all_places_are_free()


@pytest.mark.parametrize("packed", [gzip.compress(LARGE)[:-9], gzip.compress(LARGE[:-1])], ids=["cut off", "shorter"])
def test_a_large_file_that_ends_early_breaks_off(serve, settings, packed: bytes) -> None:
    content = asked_of(serve, settings, says(file(packed, Content_Encoding="gzip")), size_bytes=len(LARGE))

    received: list[bytes] = []
    with pytest.raises(UpstreamContractError):
        received.extend(content)

    assert LARGE.startswith(b"".join(received))
    assert len(b"".join(received)) >= HELD_BYTES
    assert all_places_are_free()


def test_a_bomb_is_unpacked_a_piece_at_a_time(serve, settings) -> None:
    packed = gzip.compress(PDF + bytes(90_000_000))
    tracemalloc.start()
    try:
        got = asked_of(serve, settings, says(file(packed, Content_Encoding="gzip")), size_bytes=len(PDF) + 90_000_000)
        size = sum(len(piece) for piece in got)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size == len(PDF) + 90_000_000
    assert peak_bytes < 5_000_000


@pytest.mark.parametrize("ask", ["download", "upload"])
def test_a_redirect_with_a_bomb_is_refused_in_bounded_memory(ask: str, serve, settings) -> None:
    packed = gzip.compress(bytes(90_000_000))
    told = [("Location", "/elsewhere"), ("Content-Encoding", "gzip")]
    settings.DOCUMENT_SERVICE_URL = serve(says(answer(packed, status="302 Found", headers=told))).url
    tracemalloc.start()
    try:
        with pytest.raises(UpstreamContractError):
            download({"id": "d-1", "size_bytes": 9, "content_type": "x/y"}) if ask == "download" else upload([PDF])
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 30_000_000
    assert all_places_are_free()


def test_a_chunk_size_that_does_not_end_is_refused_in_bounded_memory(serve, settings) -> None:
    def endless(wire: Wire, _: Asked) -> None:
        wire.send(CHUNKED)
        for _ in range(800):
            wire.send(b"0" * 65_536)
        wire.hang()

    tracemalloc.start()
    try:
        with pytest.raises((UpstreamContractError, UpstreamConnectionError)):
            asked_of(serve, settings, endless)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 10_000_000


def test_a_file_is_asked_for_whatever_its_type(serve, settings) -> None:
    served = serve(says(file()))
    settings.DOCUMENT_SERVICE_URL = served.url
    download({"id": "d-1", "size_bytes": len(PDF), "content_type": "application/pdf"}).close()
    assert served.asked[0].headers["accept"] == "*/*"


@pytest.mark.parametrize("before", [HINTS, b"HTTP/1.1 100 Continue\r\n\r\n" * 3], ids=["hints", "continue"])
def test_an_upload_that_was_stored_is_not_reported_as_lost(serve, settings, before: bytes) -> None:
    def stores(wire: Wire, _: Asked) -> None:
        wire.send(before)
        wire.pause(0.05)
        wire.send(answer(STORED, status="201 Created"))

    settings.DOCUMENT_SERVICE_URL = serve(stores).url

    assert upload([PDF]).id == "d-1"


def test_a_field_of_another_type_in_the_answer_to_an_upload_is_told_behind_its_call(serve, settings) -> None:
    settings.DOCUMENT_SERVICE_URL = serve(
        says(answer(STORED.replace(b'{"id"', b'{"kind":7,"id"'), status="201 Created"))
    ).url
    told: list[instrumentation.Record] = []
    forget = instrumentation.observe(told.append)
    try:
        stored = upload([PDF])
    finally:
        forget()

    assert (stored.id, stored.kind) == ("d-1", None)
    assert [type(record) for record in told] == [instrumentation.CallRecord, instrumentation.DriftRecord]
    assert told[1] == instrumentation.DriftRecord(
        service="document", operation="uploadDocument", fields=("kind",), omitted=0, shapes={"kind": "a number"}
    )


def test_a_small_file_that_comes_slowly_is_handed_out_once_it_is_whole(serve, settings) -> None:
    def drips(wire: Wire, _: Asked) -> None:
        wire.drip(file(), seconds=0.005)

    assert b"".join(asked_of(serve, settings, drips)) == PDF


def test_a_large_file_that_comes_slowly_is_handed_out_as_it_comes(serve, settings, monkeypatch) -> None:
    monkeypatch.setattr("gateway_clients.pipeline.download.LOOK_SECONDS", 0.0)
    may_go_on = threading.Event()

    def pauses(wire: Wire, _: Asked) -> None:
        wire.send(file(LARGE)[:3_000])
        may_go_on.wait(20.0)
        wire.send(file(LARGE)[3_000:])

    content = asked_of(serve, settings, pauses, size_bytes=len(LARGE))
    first = next(content)
    may_go_on.set()

    assert first + b"".join(content) == LARGE
    assert len(first) < 3_000
