"""How both lanes read answers: every lawful framing, caps in bounded memory, and what is no answer."""

import gzip
import time
import tracemalloc
import zlib

import pytest

from gateway_clients.errors import (
    UpstreamConnectionError,
    UpstreamContractError,
    UpstreamUnavailableError,
)
from gateway_clients.transport.messages import GZIP_WINDOW
from tests.support.lanes import Lane, conf_of, failure_of, outgoing
from tests.support.upstream import (
    Asked,
    RawUpstream,
    Script,
    Wire,
    answer,
    closes_after,
    says,
)

OK = answer(b'{"items": []}')


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nContent-Encoding: gzip\r\n\r\n", b"a"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + answer(b"abc"), b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"abc"), b"abc"),
    ],
    ids=["chunked", "chunked with a trailer", "interim answers", "100 Continue"],
)
def test_every_lawful_framing_is_read_and_the_connection_kept(
    lane: Lane, raw_upstream: RawUpstream, data: bytes, body: bytes
) -> None:
    raw_upstream.say(says(data))

    got = [lane.send(outgoing(), conf_of(raw_upstream.url), 5.0) for _ in range(2)]

    assert [(each.status_code, each.body) for each in got] == [(200, body)] * 2
    assert raw_upstream.connections == 1


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
        b"HTTP/1.0 200 OK\r\n\r\nabc",
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=["no length", "close, no length", "HTTP/1.0", "HTTP/1.0 with a length", "close with a length"],
)
def test_an_answer_that_ends_with_its_connection_is_whole(lane: Lane, raw_upstream: RawUpstream, data: bytes) -> None:
    raw_upstream.say(closes_after(data))

    got = [lane.send(outgoing(), conf_of(raw_upstream.url), 5.0) for _ in range(2)]

    assert [(each.status_code, each.body) for each in got] == [(200, b"abc")] * 2
    assert raw_upstream.connections == 2


@pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip"])
def test_a_gzipped_answer_is_unpacked(lane: Lane, raw_upstream: RawUpstream, name: str) -> None:
    raw_upstream.say(says(answer(gzip.compress(b"abc" * 100), headers=[("Content-Encoding", name)])))

    assert lane.send(outgoing(), conf_of(raw_upstream.url), 5.0).body == b"abc" * 100


TWO_FRAMINGS = b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (lambda wire, _: wire.close(), UpstreamConnectionError),
        (lambda wire, _: wire.reset(), UpstreamConnectionError),
        (lambda wire, _: (wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), wire.reset()), None),
        (closes_after(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), UpstreamConnectionError),
        (closes_after(b"HTTP/1.1 200 OK\r\nContent-Le"), UpstreamConnectionError),
        (closes_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), UpstreamConnectionError),
        (closes_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"), UpstreamConnectionError),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"), UpstreamContractError),
        (says(b"HTTP/1.1 200 OK\r\nnot a header\r\nContent-Length: 2\r\n\r\n{}"), UpstreamContractError),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), UpstreamContractError),
        (says(b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"), UpstreamContractError),
        (says(b"\x00\xff" * 2_000 + b"\r\n\r\n"), UpstreamContractError),
        (says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), UpstreamContractError),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n"), UpstreamContractError),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), UpstreamContractError),
        (says(b"HTTP/1.1 200 OK\r\n" + TWO_FRAMINGS + b"2\r\n{}\r\n0\r\n\r\n"), UpstreamContractError),
        (says(answer(b"not gzip", headers=[("Content-Encoding", "gzip")])), UpstreamContractError),
        (says(answer(gzip.compress(b"a" * 50)[:-4], headers=[("Content-Encoding", "gzip")])), UpstreamContractError),
        (says(answer(b"abc", headers=[("Content-Encoding", "br")])), UpstreamContractError),
    ],
    ids=[
        "hangs up",
        "resets",
        "resets in the body",
        "ends in the body",
        "ends in the head",
        "ends in a chunk",
        "ends before the last chunk",
        "no chunk size",
        "a line that is no header",
        "another protocol",
        "no status",
        "bytes",
        "an upgrade",
        "less than no chunk",
        "two lengths",
        "a length and chunks",
        "not gzip",
        "gzip cut off",
        "unknown encoding",
    ],
)
def test_an_answer_that_is_none_has_its_name_at_once_and_costs_its_connection(
    lane: Lane, raw_upstream: RawUpstream, script: Script, kind: type[UpstreamUnavailableError] | None
) -> None:
    raw_upstream.say(script)
    started_at = time.monotonic()

    error = failure_of(lane, outgoing(), conf_of(raw_upstream.url), 10.0)

    assert time.monotonic() - started_at < 5.0
    assert (type(error), error.was_sent, str(error)) == (kind or UpstreamConnectionError, True, "claims")
    assert len(raw_upstream.asked) == 1
    raw_upstream.say(says(OK))
    assert lane.send(outgoing(), conf_of(raw_upstream.url), 5.0).body == b'{"items": []}'


def bomb() -> bytes:
    """100 MB of zeros, made in small memory."""
    deflater = zlib.compressobj(wbits=GZIP_WINDOW)
    pieces = [deflater.compress(bytes(1_000_000)) for _ in range(100)]
    return b"".join((*pieces, deflater.flush()))


def endless(start: bytes, piece: bytes) -> Script:
    def script(wire: Wire, _: Asked) -> None:
        wire.send(start)
        for _ in range(50_000_000 // len(piece)):
            wire.send(piece)
        wire.hang()

    return script


@pytest.mark.parametrize(
    "script",
    [
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n", b"x" * 65_536),
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 65_536),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: " + b"y" * 30_000 + b"\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y" * 30_000),
        endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 30_000 + b"\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 30_000),
        endless(b"", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 1_000),
        lambda wire, _: wire.send(answer(bomb(), headers=[("Content-Encoding", "gzip")])),
    ],
    ids=["body", "no length", "chunks", "a chunk size", "trailers", "trailer", "headers", "header", "interim", "bomb"],
)
def test_too_much_is_refused_at_the_cap_in_bounded_memory(
    lane: Lane, raw_upstream: RawUpstream, script: Script
) -> None:
    raw_upstream.say(script)
    tracemalloc.start()
    try:
        error = failure_of(lane, outgoing(), conf_of(raw_upstream.url), 20.0)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # urllib3 tells an endless chunk size no more of than that the protocol was broken.
    assert isinstance(error, UpstreamContractError | UpstreamConnectionError)
    assert error.was_sent
    assert peak_bytes < 30_000_000


@pytest.mark.parametrize(
    "location",
    ["http://[", "\xff", "", "http://elsewhere.example:99999999/", "/" + "x" * 60_000],
    ids=["no address", "bytes", "nothing", "no port", "long"],
)
def test_a_redirect_is_an_answer_wherever_it_leads(lane: Lane, raw_upstream: RawUpstream, location: str) -> None:
    raw_upstream.say(says(answer(b"moved", status="302 Found", headers=[("Location", location)])))

    got = lane.send(outgoing(), conf_of(raw_upstream.url), 5.0)

    assert (got.status_code, got.body, raw_upstream.count) == (302, b"moved", 1)


def test_a_redirect_with_a_bomb_is_refused_in_bounded_memory(lane: Lane, raw_upstream: RawUpstream) -> None:
    headers = [("Location", "/elsewhere"), ("Content-Encoding", "gzip")]
    raw_upstream.say(says(answer(bomb(), status="302 Found", headers=headers)))
    tracemalloc.start()
    try:
        error = failure_of(lane, outgoing(), conf_of(raw_upstream.url), 20.0)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert type(error) is UpstreamContractError
    assert peak_bytes < 30_000_000


def test_an_answer_of_exactly_the_cap_is_taken(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(says(answer(b"x" * 1_000_000)))

    assert len(lane.send(outgoing(), conf_of(raw_upstream.url), 5.0).body) == 1_000_000


@pytest.mark.parametrize("length", ["1000001", "0001000001", str(10**15)])
def test_an_answer_that_announces_more_than_the_cap_is_refused_at_its_head(
    lane: Lane, raw_upstream: RawUpstream, length: str
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()

    def says_head_alone(wire: Wire, _: Asked) -> None:
        wire.send(head)
        wire.hang()

    raw_upstream.say(says_head_alone)
    began = time.monotonic()

    error = failure_of(lane, outgoing(), conf_of(raw_upstream.url), 20.0)

    assert type(error) is UpstreamContractError
    assert time.monotonic() - began < 10


def test_chunks_of_one_byte_are_read_up_to_the_cap(lane: Lane, raw_upstream: RawUpstream) -> None:
    chunks = b"1\r\nx\r\n" * 50_000
    raw_upstream.say(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"))

    assert len(lane.send(outgoing(), conf_of(raw_upstream.url, max_bytes=50_000), 20.0).body) == 50_000


def test_small_chunks_take_little_more_memory_than_the_answer(lane: Lane, raw_upstream: RawUpstream) -> None:
    chunks = b"2\r\nxy\r\n" * 60_000
    raw_upstream.say(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"))
    tracemalloc.start()
    try:
        got = lane.send(outgoing(), conf_of(raw_upstream.url), 30.0)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert got.body == b"xy" * 60_000
    assert peak_bytes < 2_500_000


def test_two_answers_at_once_are_one_and_the_second_is_never_anothers(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(says(answer(b"mine") + answer(b"somebody else's")))
    conf = conf_of(raw_upstream.url)

    assert [lane.send(outgoing(), conf, 5.0).body for _ in range(3)] == [b"mine"] * 3


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 103 Early Hints\r\n" + b"Link: </a>\r\n" * 90 + b"\r\n"])
def test_both_lanes_take_as_many_headers(lane: Lane, raw_upstream: RawUpstream, before: bytes) -> None:
    conf = conf_of(raw_upstream.url)
    raw_upstream.say(says(before + answer(headers=[("X-Kind", "good")] * 98)))
    assert lane.send(outgoing(), conf, 5.0).status_code == 200

    raw_upstream.say(says(before + answer(headers=[("X-Kind", "good")] * 99)))
    assert type(failure_of(lane, outgoing(), conf, 5.0)) is UpstreamContractError


def test_no_log_line_quotes_what_was_asked_for_or_an_answers_headers(
    lane: Lane, raw_upstream: RawUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [("Content-Type", "multipart/mixed"), ("X-Secret", "hidden")]
    raw_upstream.say(says(answer(b"{}", headers=told)))

    lane.send(outgoing("/members?q=Budi"), conf_of(raw_upstream.url), 5.0)

    said = "".join(capsys.readouterr())
    assert "Budi" not in said
    assert "hidden" not in said
