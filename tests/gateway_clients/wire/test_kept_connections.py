"""Kept connections of both lanes: closed by the upstream while they are idle, or at the very moment of use.

And those of which a firewall has forgotten without telling anybody.
"""

import threading
import time
from collections.abc import Iterator

import pytest

from gateway_clients.errors import (
    UpstreamConnectionError,
    UpstreamTimeoutError,
)
from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.transport.keep_alive import KeepAlive
from gateway_clients.transport.multiplexed.connection_pool import ConnectionPool, PooledConnection
from tests.support.calls import at_once
from tests.support.clock import FakeClock
from tests.support.lanes import Batches, Lane, Threads, conf_of, failure_of, outgoing
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
        assert lane.send(sent, conf, 5.0).status_code == 200
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

    assert lane.send(outgoing("/second"), conf, 5.0).status_code == 200

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


class ForgetfulFirewall:
    """Lets through what comes on connections that it knows; of what it has forgotten nothing arrives, and no end."""

    def __init__(self) -> None:
        self._forgotten = 0
        self._together: threading.Barrier | None = None

    def forget(self, raw_upstream: RawUpstream) -> None:
        """Forgets all connections there are."""
        self._forgotten = raw_upstream.connections

    def gather(self, count: int) -> None:
        """So many requests are answered when all of them are there, so that each has a connection of its own."""
        self._together = threading.Barrier(count)

    def __call__(self, wire: Wire, asked: Asked) -> None:
        if asked.connection <= self._forgotten:
            wire.hang()
        if self._together is not None:
            self._together.wait(20.0)
        wire.send(OK)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=[Threads, Batches], ids=["threads", "batch"])
def timed_lane(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Lane]:
    """A lane whose kept connections grow old by the test's clock."""
    made: Lane = request.param(clock=clock)
    yield made
    made.close()


def test_eight_readers_after_forty_seconds_of_quiet_meet_none_of_the_forgotten_connections(
    timed_lane: Lane, raw_upstream: RawUpstream, clock: FakeClock
) -> None:
    firewall = ForgetfulFirewall()
    raw_upstream.say(firewall)
    firewall.gather(8)
    conf = conf_of(raw_upstream.url)
    first = at_once(8, lambda: timed_lane.send(outgoing(), conf, 10.0).status_code)

    clock.advance(40)
    firewall.forget(raw_upstream)
    second = at_once(8, lambda: timed_lane.send(outgoing(), conf, 10.0).status_code)

    assert [each.result for each in (*first, *second)] == [200] * 16
    assert raw_upstream.connections == 16


def test_a_connection_is_used_for_five_minutes_at_most_however_busy_it_is(
    timed_lane: Lane, raw_upstream: RawUpstream, clock: FakeClock
) -> None:
    raw_upstream.say(says(OK))
    connections = []
    for _ in range(31):
        timed_lane.send(outgoing(), conf_of(raw_upstream.url), 10.0)
        connections.append(raw_upstream.connections)
        clock.advance(20)

    assert connections == [1] * 15 + [2] * 15 + [3]


def test_one_dead_connection_costs_one_call_and_not_all_that_are_kept(
    timed_lane: Lane, raw_upstream: RawUpstream, clock: FakeClock
) -> None:
    firewall = ForgetfulFirewall()
    raw_upstream.say(firewall)
    firewall.gather(8)
    conf = conf_of(raw_upstream.url)
    at_once(8, lambda: timed_lane.send(outgoing(), conf, 10.0).status_code)
    firewall.gather(1)
    clock.advance(1)
    firewall.forget(raw_upstream)
    clock.advance(1)

    error = failure_of(timed_lane, outgoing(), conf, 0.3)
    after = [timed_lane.send(outgoing(), conf, 10.0).status_code for _ in range(8)]

    assert (type(error), after) == (UpstreamTimeoutError, [200] * 8)
    assert raw_upstream.connections == 9


def test_connections_that_nobody_takes_any_more_are_closed(raw_upstream: RawUpstream, clock: FakeClock) -> None:
    raw_upstream.say(says(OK))
    lines = ConnectionPool(raw_upstream.url, most=8, keep_alive=KeepAlive(clock=clock))
    made = [PooledConnection(NonblockingSocket(), clock()) for _ in range(3)]
    for line in made:
        lines.keep(line)
    clock.advance(31)

    lines.keep(PooledConnection(NonblockingSocket(), clock()))

    assert [line.connection.fileno() for line in made] == [-1] * 3
    lines.close()
