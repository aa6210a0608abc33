"""Where an upstream is, for both lanes: names that nobody knows, resolvers that hang, several addresses."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway_clients.errors import (
    UpstreamConnectionError,
    UpstreamTimeoutError,
)
from gateway_clients.transport import dialing
from gateway_clients.transport.dialing import Resolver
from tests.support.lanes import SLACK_SECONDS, Lane, conf_of, failure_of, outgoing
from tests.support.upstream import (
    RawUpstream,
    answer,
    black_hole,
    refusing_port,
    says,
)

OK = answer(b'{"items": []}')


def resolver_that(resolve: Callable[[str, int], Any]) -> Callable[[], Resolver]:
    made = Resolver(resolve)
    return lambda: made


@pytest.fixture
def resolve_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str, int], Any]], None]:
    def replace(resolve: Callable[[str, int], Any]) -> None:
        made = resolver_that(resolve)
        monkeypatch.setattr("gateway_clients.transport.dialing.resolver", made)
        monkeypatch.setattr("gateway_clients.transport.connecting.resolver", made)

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
        resolve_with(lambda host, port: [dialing.Address(socket.AF_INET, ("127.0.0.1", each)) for each in ports])

        conf = conf_of("http://claims.invalid:8001", connect_seconds=1.5)
        bodies = [lane.send(outgoing(), conf, 10.0).body for _ in range(2)]

    assert bodies == [b'{"items": []}'] * 2


def test_an_address_of_an_unknown_family_is_passed_over(
    lane: Lane, raw_upstream: RawUpstream, resolve_with: Any
) -> None:
    raw_upstream.say(says(OK))
    good = dialing.Address(socket.AF_INET, ("127.0.0.1", raw_upstream.port))
    resolve_with(lambda host, port: [dialing.Address(9_999, ("127.0.0.1", 1)), good])

    assert lane.send(outgoing(), conf_of("http://claims.invalid:8001"), 5.0).status == 200
