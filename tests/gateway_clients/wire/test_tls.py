"""Upstreams over TLS, for both lanes: the same clock, caps, retries and side-by-side sending as over TCP."""

import gzip
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django import Settings

from gateway_clients.errors import UpstreamConnectionError, UpstreamContractError, UpstreamTimeoutError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.multiplexed.tls_connection import tls_context
from gateway_clients.transport.requests_client import RequestsClient
from tests.gateway_clients.wire.steps import FIVE, NEW
from tests.support.calls import call_of, gateway_for, write_of
from tests.support.certificates import Authority
from tests.support.lanes import SLACK_SECONDS, Batches, Lane, conf_of, failure_of, outgoing
from tests.support.upstream import Asked, RawUpstream, Script, Wire, answer, closes_after, hangs, says, says_json
from tests.support.waiting import wait_until

OK = answer(b'{"items": []}')
BUDGET_SECONDS = 0.4


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve_tls(authority: Authority) -> Iterator[Callable[[Script], RawUpstream]]:
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(RawUpstream(script, tls=authority.server_context()))


@pytest.fixture
def over_tls(serve_tls: Callable[[Script], RawUpstream]) -> RawUpstream:
    return serve_tls(hangs)


@pytest.fixture
def trusting(authority: Authority, settings: Settings) -> Settings:
    """The upstreams' authority is trusted, and no call is made twice."""
    settings.CA_BUNDLE, settings.RETRY_BUDGET = str(authority.bundle), 0.0
    return settings


def test_connections_are_kept_and_a_body_arrives_whole(lane: Lane, over_tls: RawUpstream, authority: Authority) -> None:
    over_tls.say(says(answer(b"x" * 900_000, headers=[("X-Kind", "Good")])))
    conf = conf_of(over_tls.url, ca_bundle=str(authority.bundle))
    body = b"y" * 3_000_000

    got = [lane.send(outgoing("/a?b=c", method="POST", body=body), conf, 10.0) for _ in range(3)]

    assert [(each.status_code, each.body, each.headers["x-kind"]) for each in got] == [
        (200, b"x" * 900_000, "Good")
    ] * 3
    assert [(asked.target, asked.body) for asked in over_tls.asked] == [("/a?b=c", body)] * 3
    assert over_tls.connections == 1


def test_a_scheme_in_capitals_is_no_less_encrypted(lane: Lane, over_tls: RawUpstream, authority: Authority) -> None:
    over_tls.say(says(OK))
    conf = conf_of(over_tls.url.replace("https://", "HTTPS://"), ca_bundle=str(authority.bundle))

    assert lane.send(outgoing(headers={"Authorization": "Bearer x"}), conf, 5.0).status_code == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_both_versions_of_tls_are_spoken(lane: Lane, authority: Authority, version: ssl.TLSVersion) -> None:
    context = authority.server_context()
    context.minimum_version = context.maximum_version = version
    with RawUpstream(says(OK), tls=context) as upstream:
        conf = conf_of(upstream.url, ca_bundle=str(authority.bundle))
        assert [lane.send(outgoing(), conf, 5.0).status_code for _ in range(2)] == [200, 200]
        assert upstream.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        hangs,
        lambda wire, _: (wire.send(b"HTTP/1.1 200 OK\r\nContent-Le"), wire.hang()),
        lambda wire, _: (wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), wire.hang()),
        lambda wire, _: wire.drip(answer(b"x" * 1000), seconds=0.05),
    ],
    ids=["says nothing", "hangs in the head", "hangs in the body", "drips"],
)
def test_the_whole_answer_has_one_clock(
    lane: Lane, over_tls: RawUpstream, authority: Authority, script: Script
) -> None:
    over_tls.say(script)
    conf = conf_of(over_tls.url, ca_bundle=str(authority.bundle), connect_seconds=2.0)
    started_at = time.monotonic()

    error = failure_of(lane, outgoing(), conf, BUDGET_SECONDS)

    assert (type(error), error.was_sent) == (UpstreamTimeoutError, True)
    assert time.monotonic() - started_at < BUDGET_SECONDS + SLACK_SECONDS


def test_an_upstream_that_never_shakes_hands_costs_the_time_of_connecting(lane: Lane, authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        conf = conf_of(f"https://localhost:{listener.getsockname()[1]}", ca_bundle=str(authority.bundle))
        started_at = time.monotonic()

        error = failure_of(lane, outgoing(may_resend=False), conf, 10.0)

    assert (type(error), error.was_sent) == (UpstreamTimeoutError, False)
    assert time.monotonic() - started_at < conf.connect_seconds + SLACK_SECONDS


@pytest.mark.parametrize(
    "data",
    [answer(b"x" * 101), answer(gzip.compress(b"x" * 101), headers=[("Content-Encoding", "gzip")])],
    ids=["plain", "packed"],
)
def test_an_answer_past_the_cap_is_refused(
    lane: Lane, over_tls: RawUpstream, authority: Authority, data: bytes
) -> None:
    over_tls.say(says(data))

    error = failure_of(lane, outgoing(), conf_of(over_tls.url, ca_bundle=str(authority.bundle), max_bytes=100), 5.0)

    assert (type(error), error.was_sent) == (UpstreamContractError, True)


def test_a_read_on_a_connection_that_was_closed_meanwhile_is_sent_again_and_a_write_is_not(
    lane: Lane, over_tls: RawUpstream, authority: Authority
) -> None:
    def closes_at_the_second(wire: Wire, asked: Asked) -> None:
        if asked.target == "/second" and asked.connection == 1:
            wire.close()
        wire.send(OK)

    over_tls.say(closes_at_the_second)
    conf = conf_of(over_tls.url, ca_bundle=str(authority.bundle))
    lane.send(outgoing("/first"), conf, 5.0)

    assert lane.send(outgoing("/second"), conf, 5.0).status_code == 200
    assert [(asked.target, asked.connection) for asked in over_tls.asked] == [
        ("/first", 1),
        ("/second", 1),
        ("/second", 2),
    ]

    over_tls.say(lambda wire, _: wire.close())
    error = failure_of(lane, outgoing("/third", method="POST", may_resend=False), conf, 5.0)

    assert (type(error), error.was_sent) == (UpstreamConnectionError, True)
    assert [asked.target for asked in over_tls.asked].count("/third") == 1


def test_a_connection_that_the_upstream_ended_is_not_used_again(
    lane: Lane, over_tls: RawUpstream, authority: Authority
) -> None:
    over_tls.say(closes_after(OK))
    conf = conf_of(over_tls.url, ca_bundle=str(authority.bundle))

    for _ in range(2):
        assert lane.send(outgoing(may_resend=False), conf, 5.0).status_code == 200
        wait_until(lambda: over_tls.running == 0)

    assert over_tls.connections == 2


def test_reads_and_a_write_of_one_request_go_side_by_side(
    serve_tls: Callable[[Script], RawUpstream], trusting: Settings
) -> None:
    made = {name: serve_tls(says_json({"value": "new"}, after_seconds=0.4)) for name in FIVE}
    for name, each in made.items():
        setattr(trusting, f"{name.upper()}_SERVICE_URL", each.url)
    gateway = gateway_for(5.0)
    pendings = [gateway.call(call_of(name)) for name in FIVE[1:]]
    write = gateway.call(write_of("claims"))
    started_at = time.monotonic()

    assert [pending.require() for pending in (*pendings, write)] == [NEW] * 5
    assert time.monotonic() - started_at < 0.4 * 3


def test_a_failed_read_is_tried_once_more(serve_tls: Callable[[Script], RawUpstream], trusting: Settings) -> None:
    def fails_first(wire: Wire, asked: Asked) -> None:
        is_first = len(member.asked) == 1
        wire.send(answer(status="500 Internal Server Error") if is_first else answer(b'{"value": "new"}'))

    member = serve_tls(fails_first)
    trusting.RETRY_BUDGET = 1.0
    trusting.MEMBER_SERVICE_URL = member.url

    assert gateway_for(5.0).call(call_of("member")).require() == NEW
    assert len(member.asked) == 2


@pytest.mark.parametrize("target", ["/plain", "/late"])
def test_tickets_for_later_sessions_leave_a_kept_connection_as_good_as_it_was(
    over_tls: RawUpstream, authority: Authority, target: str
) -> None:
    """OpenSSL sends them behind the handshake, before or after the client has read the first answer."""
    over_tls.say(says(OK))
    lane, conf = Batches(), conf_of(over_tls.url, ca_bundle=str(authority.bundle))

    for _ in range(4):
        lane.send(outgoing(target), conf, 5.0)

    lane.close()
    assert over_tls.connections == 1


def test_a_stream_is_dialled_once_and_has_its_connection_to_itself(over_tls: RawUpstream, authority: Authority) -> None:
    over_tls.say(says(OK))
    client = RequestsClient(conf_of(over_tls.url, ca_bundle=str(authority.bundle)))

    for _ in range(2):
        stream = client.open(outgoing(), Deadline.after(5.0))
        assert stream.whole(max_bytes=1000).body == b'{"items": []}'
        stream.close()

    client.close()
    assert [asked.headers["connection"] for asked in over_tls.asked] == ["close"] * 2
    assert over_tls.connections == 2


def test_a_bundle_that_is_not_there_is_a_connection_error(lane: Lane, over_tls: RawUpstream, tmp_path: Path) -> None:
    error = failure_of(lane, outgoing(), conf_of(over_tls.url, ca_bundle=str(tmp_path / "none.pem")), 5.0)

    assert (type(error), error.was_sent, over_tls.asked) == (UpstreamConnectionError, False, [])


def test_the_context_of_a_bundle_is_read_once(authority: Authority) -> None:
    assert tls_context(str(authority.bundle), None) is tls_context(str(authority.bundle), None)
    assert tls_context(False, None).verify_mode is ssl.CERT_NONE
