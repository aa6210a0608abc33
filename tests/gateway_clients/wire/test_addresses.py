"""Where an upstream is, for both lanes: names that nobody knows, resolvers that hang, several addresses."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway_clients.errors import (
    UpstreamConnectionError,
    UpstreamTimeoutError,
)
from gateway_clients.runtime import dns
from gateway_clients.runtime.dns import Resolver
from tests.support.clock import FakeClock
from tests.support.lanes import SLACK_SECONDS, Lane, conf_of, failure_of, outgoing
from tests.support.upstream import (
    RawUpstream,
    answer,
    black_hole,
    closes_after,
    refusing_port,
    says,
)
from tests.support.waiting import wait_until

OK = answer(b'{"items": []}')


def resolver_that(resolve: Callable[[str, int], Any]) -> Callable[[], Resolver]:
    made = Resolver(resolve)
    return lambda: made


@pytest.fixture
def resolve_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str, int], Any]], None]:
    def replace(resolve: Callable[[str, int], Any]) -> None:
        made = resolver_that(resolve)
        monkeypatch.setattr("gateway_clients.transport.deadline_pools.resolver", made)
        monkeypatch.setattr("gateway_clients.transport.multiplexed.connection_attempt.resolver", made)

    return replace


def fails_to_resolve(host: str, port: int) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, f"no such host {host}")


def test_a_host_that_is_not_known_is_a_connection_error(lane: Lane, resolve_with: Any) -> None:
    resolve_with(fails_to_resolve)

    error = failure_of(lane, outgoing(), conf_of("http://claims.invalid:8001"), 5.0)

    assert (type(error), error.was_sent, str(error)) == (UpstreamConnectionError, False, "claims")


def test_a_host_that_cannot_be_one_is_a_connection_error(lane: Lane) -> None:
    error = failure_of(lane, outgoing(), conf_of(f"http://{'a' * 70}.invalid:8001"), 5.0)

    assert (type(error), error.was_sent) == (UpstreamConnectionError, False)


@pytest.mark.alone
def test_a_resolver_that_hangs_costs_the_time_of_connecting(lane: Lane, resolve_with: Any) -> None:
    resolve_with(lambda host, port: time.sleep(3) or [])
    started_at = time.monotonic()

    error = failure_of(lane, outgoing(), conf_of("http://claims.invalid:8001"), 5.0)

    assert time.monotonic() - started_at < 0.3 + SLACK_SECONDS
    assert (type(error), error.was_sent) == (UpstreamTimeoutError, False)


def test_the_next_address_is_tried_when_one_refuses_or_swallows(
    lane: Lane, raw_upstream: RawUpstream, resolve_with: Any
) -> None:
    raw_upstream.say(says(OK))
    with refusing_port() as refusing, black_hole() as hole:
        ports = (refusing, hole, raw_upstream.port)
        resolve_with(lambda host, port: [dns.Address(socket.AF_INET, ("127.0.0.1", each)) for each in ports])

        conf = conf_of("http://claims.invalid:8001", connect_seconds=1.5)
        bodies = [lane.send(outgoing(), conf, 10.0).body for _ in range(2)]

    assert bodies == [b'{"items": []}'] * 2


def test_an_address_of_an_unknown_family_is_passed_over(
    lane: Lane, raw_upstream: RawUpstream, resolve_with: Any
) -> None:
    raw_upstream.say(says(OK))
    good = dns.Address(socket.AF_INET, ("127.0.0.1", raw_upstream.port))
    resolve_with(lambda host, port: [dns.Address(9_999, ("127.0.0.1", 1)), good])

    assert lane.send(outgoing(), conf_of("http://claims.invalid:8001"), 5.0).status_code == 200


def test_a_look_up_that_gets_no_thread_fails_its_call_and_no_later_one(
    lane: Lane, raw_upstream: RawUpstream, resolve_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw_upstream.say(says(OK))
    resolve_with(lambda host, port: [dns.Address(socket.AF_INET, ("127.0.0.1", raw_upstream.port))])
    conf = conf_of("http://claims.invalid:8001")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        error = failure_of(lane, outgoing(), conf, 5.0)

    assert (type(error), error.was_sent) == (UpstreamConnectionError, False)
    assert lane.send(outgoing(), conf, 5.0).status_code == 200


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")


def test_a_look_up_that_broke_is_made_again(lane: Lane, raw_upstream: RawUpstream, resolve_with: Any) -> None:
    raw_upstream.say(says(OK))
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[dns.Address]:
        asked.append(host)
        if len(asked) == 1:
            raise OverflowError("getaddrinfo() argument 2 must be integer or string")
        return [dns.Address(socket.AF_INET, ("127.0.0.1", raw_upstream.port))]

    resolve_with(look_up)
    conf = conf_of("http://claims.invalid:8001")

    assert type(failure_of(lane, outgoing(), conf, 5.0)) is UpstreamConnectionError
    assert lane.send(outgoing(), conf, 5.0).status_code == 200


FIRST = [dns.Address(socket.AF_INET, ("10.0.0.1", 8001))]
SECOND = [dns.Address(socket.AF_INET, ("10.0.0.2", 8001))]


class ScriptedNames:
    """Answers one look-up after the other, and the last one for ever; what is an error is raised."""

    def __init__(self, *answers: list[dns.Address] | OSError) -> None:
        self._left = list(answers)
        self.asked = 0

    def __call__(self, _host: str, _port: int) -> list[dns.Address]:
        self.asked += 1
        answer = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


def test_a_name_that_leads_elsewhere_is_followed_within_half_a_minute_and_one_call() -> None:
    clock, names = FakeClock(), ScriptedNames(FIRST, SECOND)
    resolver = Resolver(names, clock=clock)

    def addresses() -> list[dns.Address]:
        return resolver.addresses("claims", 8001, 5.0)

    assert [addresses() for _ in range(3)] == [FIRST] * 3
    clock.advance(dns.KEPT_SECONDS)
    assert addresses() == FIRST
    wait_until(lambda: names.asked == 2 and addresses() == SECOND)


def test_after_a_long_quiet_the_name_is_looked_up_before_anybody_is_dialled() -> None:
    clock, names = FakeClock(), ScriptedNames(FIRST, SECOND, socket.gaierror(socket.EAI_AGAIN, "no answer"))
    resolver = Resolver(names, clock=clock)
    found = []
    for _ in range(3):
        found.append(resolver.addresses("claims", 8001, 5.0))
        clock.advance(3600)

    assert (found, names.asked) == ([FIRST, SECOND, SECOND], 3)


def test_a_resolver_that_hangs_after_a_long_quiet_costs_half_the_time_of_connecting(
    lane: Lane, raw_upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw_upstream.say(closes_after(OK))
    clock, is_over, asked = FakeClock(), threading.Event(), list[str]()

    def look_up(host: str, port: int) -> list[dns.Address]:
        asked.append(host)
        if len(asked) > 1:
            is_over.wait(20.0)
        return [dns.Address(socket.AF_INET, ("127.0.0.1", raw_upstream.port))]

    made = Resolver(look_up, clock=clock)
    monkeypatch.setattr("gateway_clients.transport.deadline_pools.resolver", lambda: made)
    monkeypatch.setattr("gateway_clients.transport.multiplexed.connection_attempt.resolver", lambda: made)
    conf = conf_of("http://claims.invalid:8001", connect_seconds=1.0)
    statuses = []
    for _ in range(2):
        statuses.append(lane.send(outgoing(), conf, 5.0).status_code)
        clock.advance(3600)
    is_over.set()

    assert (statuses, len(asked)) == ([200, 200], 2)
