"""Bytes in and out through the pipe for streams: exact, on the clock, four at a time, and every place given back."""

import threading
import time
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
from gateway_clients.pipeline.stream_passage import STREAM_LIMIT
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.transport import streams
from sandbox.testing import Sandbox
from tests.gateway_clients.wire.documents import PDF, all_places_are_free, download, upload
from tests.support.upstream import answer, says


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
    assert upstream("document").breaker._outcomes._window.totals(time.monotonic()) == (1, 0)


def test_an_upload_that_its_portal_did_not_send_in_time_counts_against_nobody(sandbox) -> None:
    def slow() -> Iterator[bytes]:
        yield PDF
        threading.Event().wait(0.5)
        yield b"more"

    with pytest.raises(UpstreamTimeoutError):
        upload(slow(), key="k-5", seconds=0.4)

    assert upstream("document").breaker.fail_counter == 0
    assert all_places_are_free()


def test_a_download_that_its_portal_did_not_take_in_time_counts_against_nobody(sandbox, serve, settings) -> None:
    told = [("Content-Type", "application/pdf")]
    settings.DOCUMENT_SERVICE_URL = serve(says(answer(PDF + b"x" * 1_000_000, headers=told))).url
    large = {"id": "d-1", "size_bytes": len(PDF) + 1_000_000, "content_type": "application/pdf"}
    content = download(large, seconds=0.4)
    next(content)
    threading.Event().wait(0.5)

    with pytest.raises(UpstreamTimeoutError):
        list(content)

    assert upstream("document").breaker.fail_counter == 0
    assert all_places_are_free()


@pytest.mark.parametrize("fault", ["hang_body", "drip"])
def test_a_download_that_its_upstream_did_not_send_in_time_counts_against_it(fault: str, sandbox, document) -> None:
    sandbox.fault("document", fault, operation="downloadDocument", delay_seconds=0)

    with pytest.raises(UpstreamTimeoutError):
        list(download(document, seconds=0.4))

    assert upstream("document").breaker.fail_counter == 1


def test_a_stream_ends_with_its_budget(sandbox, document) -> None:
    sandbox.fault("document", "drip", operation="downloadDocument", delay_seconds=0)
    started_at = time.monotonic()

    with pytest.raises(UpstreamTimeoutError):
        b"".join(download(document, seconds=1.0))

    assert time.monotonic() - started_at < 2
