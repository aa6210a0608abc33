"""What a request's head is made of, and what of an answer's head is read when."""

import gc

import pytest

from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.origin import RequestOrigin, upstream_request
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.keep_alive import KeepAlive
from gateway_clients.transport.messages import SharedHeaders, UpstreamRequest, UpstreamResponse
from gateway_clients.transport.multiplexed.connection_pool import ConnectionPool
from gateway_clients.transport.multiplexed.request_writer import encoded
from gateway_clients.transport.multiplexed.response_parser import ResponseParser
from gateway_clients.transport.requests_client import RequestsClient
from tests.support import lanes
from tests.support.lanes import CONF, Batches, conf_of
from tests.support.upstream import RawUpstream, answer, says

SHARED = SharedHeaders({"X-Request-ID": "r-1", "Authorization": "Bearer secret"})


def outgoing_with(method: str = "GET", body: bytes | None = None) -> UpstreamRequest:
    return UpstreamRequest(
        service="claims", method=method, target="/", headers={"X-Own": "1"}, shared=SHARED, body=body
    )


@pytest.mark.parametrize(
    ("sent", "length"),
    [(outgoing_with(), None), (outgoing_with("POST"), "0"), (outgoing_with("POST", b"{}"), "2")],
    ids=["GET", "POST", "POST with a body"],
)
def test_lines_and_names_say_the_same(sent: UpstreamRequest, length: str | None) -> None:
    expected = {"X-Request-ID": "r-1", "Authorization": "Bearer secret", "X-Own": "1"}

    assert sent.all_headers == expected
    assert sent.headers_to_send == expected | ({} if length is None else {"Content-Length": length})
    prepared = RequestsClient(CONF).prepared(sent)
    lines = encoded(prepared, ConnectionPool("http://127.0.0.1:1", most=1, keep_alive=KeepAlive())).decode()
    assert lines.startswith(f"{sent.method} / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n")
    assert lines.partition("\r\n\r\n")[0].split("\r\n")[2:] == [
        f"{name}: {value}" for name, value in sent.headers_to_send.items()
    ]


@pytest.mark.parametrize("headers", [{"X-A": "b\r\nX-Evil: 1"}, {"X-A\r\nX-Evil": "1"}, {"X-A": "b\x00"}, {"X A": "b"}])
def test_a_shared_header_that_would_end_its_line_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not a header"):
        SharedHeaders(headers)


def test_neither_shows_its_headers_or_its_body() -> None:
    assert repr(outgoing_with("POST", b"body")) == "UpstreamRequest(service='claims', method='POST', target='/')"
    assert repr(UpstreamResponse(200, {"x-kind": "Good"}, b"body")) == "UpstreamResponse(status_code=200)"


def test_the_calls_of_a_request_share_what_an_upstream_is_told_of_it() -> None:
    origin, call = (
        RequestOrigin(request_id="r-1"),
        Call(service="claims", operation="x", target="/", parse=lambda _: None),
    )
    confs = [conf_of("http://a.test"), conf_of("http://b.test"), conf_of("http://a.test", service_token="secret")]

    first, second, other = [upstream_request(call, origin, conf, Deadline.after(2.0)).shared for conf in confs]

    assert first is second
    assert (first.by_name.get("Authorization"), other.by_name["Authorization"]) == (None, "Bearer secret")


@pytest.mark.parametrize("request_id", ["r\r\nX-Evil: 1", "r\x00"])
def test_who_asks_cannot_end_a_line(request_id: str) -> None:
    call = Call(service="claims", operation="x", target="/", parse=lambda _: None)

    with pytest.raises(ValueError, match="not a header"):
        upstream_request(call, RequestOrigin(request_id=request_id), CONF, Deadline.after(2.0))


def test_an_answers_headers_have_their_names_in_lower_case_and_the_last_of_a_name_holds() -> None:
    reader = ResponseParser(max_bytes=100)
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Encoding: gzip\r\n\r\n"
    reader.feed(interim + answer(b"abc", headers=[("X-Kind", "Good"), ("x-kind", "Better")]))

    assert (reader.headers["x-kind"], "link" in reader.headers, reader.encoding) == ("Better", False, None)
    assert dict(reader.headers)["content-length"] == "3"
    assert len(reader.headers) == len(dict(reader.headers))


def test_an_answer_says_how_it_is_encoded() -> None:
    reader = ResponseParser(max_bytes=100)
    reader.feed(answer(b"abc", headers=[("CONTENT-Encoding", "br")]))

    assert (reader.encoding, reader.is_complete) == ("br", True)


def test_an_exchange_that_has_ended_leaves_nothing_to_the_garbage_collector(raw_upstream: RawUpstream) -> None:
    raw_upstream.say(says(answer(b"abc")))
    lane = Batches()
    gc.collect()
    gc.disable()
    try:
        lane.send(outgoing_with(), conf_of(raw_upstream.url), 5.0)
        readers = [each for each in gc.get_objects() if type(each) is ResponseParser]
    finally:
        gc.enable()
        lane.close()

    assert readers == []


@pytest.mark.parametrize(
    "headers",
    [{"X-A": "b\r\nX-Evil: 1"}, {"X-A": "b\n"}, {"X-A\r\nX-Evil": "1"}, {"X-A": "b\x00"}, {"X A": "b"}, {"X": "é→"}],
)
def test_a_header_that_would_end_its_line_is_refused_before_anything_is_sent(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not a header"):
        lanes.outgoing(headers=headers)


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/a\x00", "a", "", "/é", "http://elsewhere/"])
def test_a_target_that_would_end_its_line_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="not a target"):
        lanes.outgoing(target)
