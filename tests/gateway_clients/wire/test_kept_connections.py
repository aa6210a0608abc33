"""Kept connections of both lanes: closed by the upstream while they are idle, or at the very moment of use."""

import time

import pytest

from gateway_clients.errors import (
    UpstreamConnectionError,
)
from tests.support.lanes import Lane, conf_of, failure_of, outgoing
from tests.support.upstream import (
    Asked,
    RawUpstream,
    Wire,
    answer,
    closes_after,
    says,
)

OK = answer(b'{"items": []}')


@pytest.mark.parametrize("may_resend", [True, False])
def test_an_idle_connection_that_was_closed_is_noticed_before_anything_is_written(
    lane: Lane, raw_upstream: RawUpstream, may_resend: bool
) -> None:
    raw_upstream.say(closes_after(OK))
    conf, sent = conf_of(raw_upstream.url), outgoing(method="POST", body=b"{}", may_resend=may_resend)
    for _ in range(3):
        assert lane.send(sent, conf, 5.0).status == 200
        # The end of the connection is under way on this machine: a look at it is no race any more after that.
        time_to_close = time.monotonic() + 0.05
        while time.monotonic() < time_to_close:
            pass

    assert (len(raw_upstream.asked), raw_upstream.connections) == (3, 3)


def closes_kept(wire: Wire, asked: Asked) -> None:
    """Answers on new connections; hangs up on what comes on a kept one: the upstream closed it at that moment."""
    if wire.__dict__.setdefault("asked", 0):
        wire.close()
    wire.__dict__["asked"] += 1
    wire.send(OK)


def test_a_kept_connection_that_ends_on_use_costs_one_silent_new_one(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(closes_kept)
    conf = conf_of(raw_upstream.url)
    lane.send(outgoing(), conf, 5.0)

    assert lane.send(outgoing("/second"), conf, 5.0).status == 200

    assert [(asked.target, asked.connection) for asked in raw_upstream.asked] == [
        ("/claims", 1),
        ("/second", 1),
        ("/second", 2),
    ]


def test_what_may_not_be_sent_twice_is_not(lane: Lane, raw_upstream: RawUpstream) -> None:
    raw_upstream.say(closes_kept)
    conf = conf_of(raw_upstream.url)
    lane.send(outgoing(), conf, 5.0)

    error = failure_of(lane, outgoing("/second", method="POST", body=b"{}", may_resend=False), conf, 5.0)

    assert (type(error), error.was_sent) == (UpstreamConnectionError, True)
    assert [asked.target for asked in raw_upstream.asked] == ["/claims", "/second"]


def test_an_answer_that_began_on_a_kept_connection_is_not_asked_for_again(
    lane: Lane, raw_upstream: RawUpstream
) -> None:
    raw_upstream.say(says(OK))
    conf = conf_of(raw_upstream.url)
    lane.send(outgoing(), conf, 5.0)
    raw_upstream.say(closes_after(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"))

    error = failure_of(lane, outgoing("/second"), conf, 5.0)

    assert (type(error), error.was_sent) == (UpstreamConnectionError, True)
    assert [asked.target for asked in raw_upstream.asked] == ["/claims", "/second"]


def test_an_upstream_that_went_down_is_not_dialled_twice_for_its_kept_connections(
    lane: Lane, raw_upstream: RawUpstream
) -> None:
    raw_upstream.say(closes_after(OK))
    conf = conf_of(raw_upstream.url)
    lane.send(outgoing(), conf, 5.0)
    raw_upstream.close()

    error = failure_of(lane, outgoing(), conf, 5.0)

    assert (type(error), error.was_sent) == (UpstreamConnectionError, False)
