"""Both lanes, against real sockets: the same faults, the same errors, the same clock."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from gateway_clients.errors import (
    UpstreamConnectionError,
    UpstreamTimeoutError,
)
from tests.support.lanes import SLACK_SECONDS, Lane, conf_of, failure_of, outgoing
from tests.support.upstream import (
    RawUpstream,
    Script,
    answer,
    black_hole,
    hangs,
    refusing_port,
    says,
)

OK = answer(b'{"items": []}')

BUDGET_SECONDS = 0.4


def test_a_good_answer_comes_with_status_headers_and_body(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(says(answer(b'{"a":1}', status="201 Created", headers=[("X-Kind", "Good")])))

    got = lane.send(outgoing(), conf_of(raw_upstream.url), 5.0)

    assert (got.status_code, got.body, got.headers["x-kind"]) == (201, b'{"a":1}', "Good")


def test_connections_are_kept_and_used_again(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(says(OK))

    for _ in range(5):
        lane.send(outgoing(), conf_of(raw_upstream.url), 5.0)

    assert (len(raw_upstream.asked), raw_upstream.connections) == (5, 1)


@pytest.mark.parametrize("status", ["204 No Content", "200 OK"])
def test_a_connection_is_kept_after_an_answer_without_a_body(
    lane: Lane, raw_upstream: RawUpstream, status: str
) -> None:
    head = answer(b"", status=status)
    raw_upstream.say(says(head.replace(b"Content-Length: 0\r\n", b"") if status.startswith("204") else head))

    bodies = [lane.send(outgoing(), conf_of(raw_upstream.url), 5.0).body for _ in range(3)]

    assert (bodies, raw_upstream.connections) == ([b""] * 3, 1)


def test_the_request_arrives_as_it_was_meant(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(says(OK))
    sent = outgoing(
        "/claims/a%2Fb%2E%2E%25%00~?q=%C3%A9+x&empty=",
        method="POST",
        headers={"Content-Type": "application/json", "X-Request-ID": "r-1"},
        body=b'{"q":1}',
    )

    lane.send(sent, conf_of(raw_upstream.url + "/base"), 5.0)

    (asked,) = raw_upstream.asked
    assert asked.target == "/base/claims/a%2Fb%2E%2E%25%00~?q=%C3%A9+x&empty="
    assert (asked.method, asked.body) == ("POST", b'{"q":1}')
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["x-request-id"] == "r-1"
    assert asked.headers["content-length"] == "7"
    assert asked.headers["host"] == f"127.0.0.1:{raw_upstream.port}"


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_request_without_a_body_says_so(lane: Lane, raw_upstream: RawUpstream, method: str) -> None:
    raw_upstream.say(says(OK))

    lane.send(outgoing(method=method), conf_of(raw_upstream.url), 5.0)

    assert raw_upstream.asked[0].headers["content-length"] == "0"


def test_no_cookie_is_kept(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(says(answer(headers=[("Set-Cookie", "session=of-another-member; Path=/")])))

    for _ in range(2):
        lane.send(outgoing(), conf_of(raw_upstream.url), 5.0)

    assert ["cookie" in asked.headers for asked in raw_upstream.asked] == [False, False]


def test_a_redirect_is_not_followed(
    lane: Lane, raw_upstream: RawUpstream, serve: Callable[[Script], RawUpstream]
) -> None:
    other = serve(says(OK))
    raw_upstream.say(says(answer(status="302 Found", headers=[("Location", other.url)])))

    got = lane.send(outgoing(), conf_of(raw_upstream.url), 5.0)

    assert (got.status_code, other.asked) == (302, [])


def test_a_drip_that_ends_in_time_is_an_answer(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(lambda wire, _: wire.drip(OK, seconds=0.001))

    assert lane.send(outgoing(), conf_of(raw_upstream.url), 10.0).body == b'{"items": []}'


@pytest.mark.parametrize(
    "script",
    [
        hangs,
        lambda wire, _: (wire.send(b"HTTP/1.1 200 OK\r\nContent-Le"), wire.hang()),
        lambda wire, _: (wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), wire.hang()),
        lambda wire, _: (wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na"), wire.hang()),
        lambda wire, _: wire.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9_000, seconds=0.05),
        lambda wire, _: wire.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9_000, seconds=0.02),
        lambda wire, _: wire.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, seconds=0.02),
    ],
    ids=["never answers", "in the head", "in the body", "in a chunk", "drips head", "drips body", "interim for ever"],
)
@pytest.mark.alone
def test_what_does_not_end_in_time_is_a_timeout_on_a_wall_clock(
    lane: Lane, raw_upstream: RawUpstream, script: Script
) -> None:
    raw_upstream.say(script)
    started_at = time.monotonic()

    error = failure_of(lane, outgoing(), conf_of(raw_upstream.url), BUDGET_SECONDS)

    assert BUDGET_SECONDS * 0.9 <= time.monotonic() - started_at < BUDGET_SECONDS + SLACK_SECONDS
    assert (type(error), error.was_sent, str(error)) == (UpstreamTimeoutError, True, "claims")


@pytest.mark.alone
def test_a_hang_on_a_kept_connection_is_a_timeout_too_and_is_not_asked_again(
    lane: Lane, raw_upstream: RawUpstream
) -> None:
    raw_upstream.say(says(OK))
    lane.send(outgoing(), conf_of(raw_upstream.url), 5.0)
    raw_upstream.say(hangs)
    started_at = time.monotonic()

    error = failure_of(lane, outgoing(), conf_of(raw_upstream.url), BUDGET_SECONDS)

    assert time.monotonic() - started_at < BUDGET_SECONDS + SLACK_SECONDS
    assert (type(error), error.was_sent, len(raw_upstream.asked)) == (UpstreamTimeoutError, True, 2)


def test_a_large_body_may_take_longer_than_connecting_may(lane: Lane, raw_upstream: RawUpstream) -> None:
    """The server reads slowly: connecting has 0.05 s, the whole much more; a kept connection's old clock is over."""
    raw_upstream.say(says(OK))
    conf = conf_of(raw_upstream.url, connect_seconds=0.05)
    lane.send(outgoing(), conf, 5.0)
    body = b"x" * 20_000_000

    got = lane.send(outgoing(method="POST", body=body), conf, 20.0)

    assert (got.status_code, len(raw_upstream.asked[1].body)) == (200, len(body))


@pytest.mark.alone
def test_an_upstream_that_does_not_read_is_a_timeout(lane: Lane) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started_at = time.monotonic()

        sent = outgoing(method="POST", body=b"x" * 20_000_000)
        error = failure_of(lane, sent, conf_of(f"http://127.0.0.1:{listener.getsockname()[1]}"), 0.8)

    assert 0.7 <= time.monotonic() - started_at < 0.8 + SLACK_SECONDS
    assert (type(error), error.was_sent) == (UpstreamTimeoutError, True)


def test_a_refused_connection_is_told_at_once_and_nothing_was_sent(lane: Lane) -> None:
    with refusing_port() as port:
        started_at = time.monotonic()

        error = failure_of(lane, outgoing(), conf_of(f"http://127.0.0.1:{port}"), 5.0)

    assert time.monotonic() - started_at < SLACK_SECONDS
    assert (type(error), error.was_sent) == (UpstreamConnectionError, False)


@pytest.mark.alone
def test_a_black_hole_costs_the_time_of_connecting_and_nothing_was_sent(lane: Lane) -> None:
    with black_hole() as port:
        started_at = time.monotonic()

        error = failure_of(lane, outgoing(), conf_of(f"http://127.0.0.1:{port}"), 5.0)

    assert 0.25 <= time.monotonic() - started_at < 0.3 + SLACK_SECONDS
    assert (type(error), error.was_sent) == (UpstreamTimeoutError, False)


def test_a_write_that_is_refused_before_it_is_read_whole_is_refused_and_not_in_doubt(lane: Lane) -> None:
    """The upstream says so, ends its side, and hangs up on the rest of the body."""

    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(answer(status="413 Content Too Large", headers=[("Connection", "close")]))
        connection.shutdown(socket.SHUT_WR)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = threading.Thread(target=refuse, args=(listener,))
        refusing.start()
        conf = conf_of(f"http://127.0.0.1:{listener.getsockname()[1]}", connect_seconds=2.0)

        got = lane.send(outgoing(method="POST", body=b"x" * 20_000_000, may_resend=False), conf, 5.0)
        refusing.join(5.0)

    assert got.status_code == 413
