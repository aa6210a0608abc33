"""Bytes in and out through the pipe for streams: exact, on the clock, four at a time, and every place given back."""

import gzip
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from gateway_clients.errors import (
    UpstreamBusyError,
    UpstreamCircuitOpenError,
    UpstreamConflictError,
    UpstreamConnectionError,
    UpstreamContractError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamServerError,
    UpstreamTimeoutError,
)
from gateway_clients.pipeline import streaming
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.streaming import STREAM_LIMIT, Promised, stream_post
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.document import DocumentService, NewDocument
from gateway_clients.transport import streams
from sandbox.testing import Sandbox
from tests.support.upstream import Asked, Script, Wire, answer, closes_after, says

ASKER = RequestOrigin(request_id="request-of-a-test", on_behalf_of="account-1")
SERVICE = DocumentService()
PDF = b"%PDF-1.4\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    running.clear()
    running.reset()
    settings.UPSTREAM_TIMEOUT_SECONDS = 0.5
    monkeypatch.setattr(streams, "STALL_SECONDS", 0.5)
    for name, url in running.urls.items():
        setattr(settings, name, url)
    upstream("document").breaker.reset()
    return running


@pytest.fixture
def document(sandbox: Sandbox) -> dict[str, Any]:
    """A document of the sandbox."""
    with sandbox.world.lock:
        return dict(next(iter(sandbox.world.documents.by_id.values())))


def download(document: dict[str, Any], *, seconds: float = 5.0) -> streaming.Download:
    call = SERVICE.download_document(document["id"])
    promised = Promised(
        size_bytes=document["size_bytes"], content_type=document["content_type"], magic=document.get("magic", b"%PDF-")
    )
    return streaming.download(call, ASKER, Deadline.after(seconds), promised)


def upload(pieces: Any, *, key: str = "k-1", seconds: float = 5.0) -> Any:
    document = NewDocument(
        member_id="m-1", claim_id=None, name="a.pdf", content_type="application/pdf", boundary="0123456789"
    )
    call = SERVICE.upload_document(document, idempotency_key=key)
    return streaming.upload(call, document.form(pieces), ASKER, Deadline.after(seconds))


def all_places_are_free() -> bool:
    return stream_post("document").bulkhead.in_flight == 0


def test_bytes_come_as_they_are(sandbox, document) -> None:
    content = download(document)

    received = b"".join(content)

    assert len(received) == content.size_bytes == document["size_bytes"]
    assert received.startswith(b"%PDF-1.4")
    assert all_places_are_free()
    headers = sandbox.calls("document").last_headers["downloadDocument"]
    assert (headers["x-request-id"], headers["x-on-behalf-of"]) == ("request-of-a-test", "account-1")
    assert "accept-encoding" in headers


def test_bytes_go_as_they_come_and_are_stored_once_for_a_key(sandbox) -> None:
    first = upload([PDF, b"x" * 100_000, b"y"])
    again = upload([PDF, b"x" * 100_000, b"y"])

    assert (first.id, first.size_bytes) == (again.id, len(PDF) + 100_001)
    with sandbox.world.lock:
        assert sandbox.world.contents[first.id] == PDF + b"x" * 100_000 + b"y"
    assert all_places_are_free()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("down", UpstreamConnectionError),
        ("reset", UpstreamConnectionError),
        ("hang", UpstreamTimeoutError),
        ("hang_head", UpstreamTimeoutError),
        ("error", UpstreamServerError),
        ("redirect", UpstreamContractError),
        ("not_http", UpstreamError),
    ],
)
@pytest.mark.parametrize("ask", ["download", "upload"])
def test_a_fault_before_the_answer_is_ours_in_time(ask: str, fault: str, error, sandbox, document) -> None:
    sandbox.fault("document", fault, operation=f"{ask}Document")
    started_at = time.monotonic()

    with pytest.raises(error) as raised:
        download(document) if ask == "download" else upload([PDF])

    assert time.monotonic() - started_at < 2
    assert raised.value.was_sent
    assert all_places_are_free()


@pytest.mark.parametrize("fault", ["truncate", "bad_chunks", "hang_body"])
def test_a_fault_in_the_body_of_a_small_file_is_told_before_any_of_it(fault: str, sandbox, document) -> None:
    sandbox.fault("document", fault, operation="downloadDocument")

    with pytest.raises(UpstreamError):
        download(document)

    assert all_places_are_free()


def asked_of(serve: Any, settings: Any, script: Script, **changes: Any) -> streaming.Download:
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
    assert len(b"".join(received)) >= streaming.HELD_BYTES
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


def test_a_small_file_that_comes_slowly_is_handed_out_once_it_is_whole(serve, settings) -> None:
    def drips(wire: Wire, _: Asked) -> None:
        wire.drip(file(), seconds=0.005)

    assert b"".join(asked_of(serve, settings, drips)) == PDF


def test_a_large_file_that_comes_slowly_is_handed_out_as_it_comes(serve, settings, monkeypatch) -> None:
    monkeypatch.setattr(streaming, "LOOK_SECONDS", 0.0)
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


def test_a_refused_connection_was_not_sent(sandbox, document) -> None:
    sandbox.refuse("document")

    with pytest.raises(UpstreamConnectionError) as raised:
        upload([PDF])

    assert not raised.value.was_sent


def test_what_is_not_there_is_not_found(sandbox, document) -> None:
    with pytest.raises(UpstreamNotFoundError):
        download({**document, "id": "nobodys"})
    assert upstream("document").breaker.current_state == "closed"


def test_a_key_of_another_file_is_a_conflict(sandbox) -> None:
    upload([PDF], key="k-2")

    with pytest.raises(UpstreamConflictError):
        upload([PDF, b"more"], key="k-2")


def test_what_the_pieces_raise_ends_the_upload_and_nothing_is_stored(sandbox) -> None:
    before = len(sandbox.ledger("document"))

    def broken() -> Iterator[bytes]:
        yield PDF
        raise KeyError("the portal went away")

    with pytest.raises(KeyError):
        upload(broken(), key="k-3")

    assert len(sandbox.ledger("document")) == before
    assert all_places_are_free()
    assert upstream("document").breaker.fail_counter == 0


def test_four_streams_at_a_time_and_each_gives_its_place_back(sandbox, document) -> None:
    held = [download(document) for _ in range(STREAM_LIMIT)]

    with pytest.raises(UpstreamBusyError):
        download(document)
    assert upstream("document").bulkhead.in_flight == 0

    for each in held:
        each.close()
        each.close()
    assert all_places_are_free()
    assert b"".join(download(document))


def test_a_client_that_goes_away_is_no_fault_of_the_upstream(sandbox, document) -> None:
    for _ in range(10):
        content = download(document)
        next(content)
        content.close()

    assert upstream("document").breaker.current_state == "closed"
    assert upstream("document").breaker.fail_counter == 0


def test_failures_open_the_breaker_and_then_nobody_is_asked(sandbox, document) -> None:
    sandbox.fault("document", "down", operation="downloadDocument")
    for _ in range(5):
        with pytest.raises(UpstreamConnectionError):
            download(document)
    sandbox.reset()

    with pytest.raises(UpstreamCircuitOpenError):
        download(document)

    assert sandbox.calls("document").total == 0
    assert all_places_are_free()


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7), ("99999999999", 30), ("9" * 400, 30), ("soon", 1), ("Fri, 02 Jan 2199 03:05:05 GMT", 30)],
)
@pytest.mark.parametrize("ask", ["download", "upload"])
def test_a_429_pauses_the_upstream_for_a_time_within_reason(
    ask: str, retry_after: str, seconds: int, sandbox, document, settings
) -> None:
    settings.BREAKER_OPEN_SECONDS = 30
    sandbox.fault("document", "status", operation=f"{ask}Document", status=429, retry_after=retry_after)

    errors = []
    for _ in range(2):
        with pytest.raises(UpstreamBusyError) as raised:
            download(document) if ask == "download" else upload([PDF])
        errors.append(raised.value)

    assert [error.was_sent for error in errors] == [True, False]
    assert [error.retry_after_seconds for error in errors] == pytest.approx([seconds] * 2, abs=0.9)
    assert sandbox.calls("document").total == 1
    assert all_places_are_free()


def test_the_time_that_a_slow_portal_takes_is_not_the_upstreams(sandbox, settings) -> None:
    settings.DOCUMENT_BREAKER_SLOW_SECONDS = 0.3
    go_on = threading.Event()

    def slow() -> Iterator[bytes]:
        yield PDF
        go_on.wait(0.6)
        yield b"more"

    stored = upload(slow(), key="k-4")

    assert stored.size_bytes == len(PDF) + 4
    assert upstream("document").breaker._window.totals(time.monotonic()) == (1, 0)


def test_a_stream_ends_with_its_budget(sandbox, document) -> None:
    sandbox.fault("document", "drip", operation="downloadDocument", delay_seconds=0)
    started_at = time.monotonic()

    with pytest.raises(UpstreamTimeoutError):
        b"".join(download(document, seconds=1.0))

    assert time.monotonic() - started_at < 2
