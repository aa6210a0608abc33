"""The two lanes behind one function, for tests that hold for both."""

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import UpstreamUnavailableError
from gateway_clients.resilience.deadline import Clock, Deadline
from gateway_clients.transport.keep_alive import KeepAlive
from gateway_clients.transport.messages import UpstreamRequest, UpstreamResponse
from gateway_clients.transport.multiplexed.multiplexer import Multiplexer
from gateway_clients.transport.requests_client import RequestsClient

#: Seconds that a machine with other work may need for what takes none.
SLACK_SECONDS = 1.0
CONF = UpstreamConf(
    name="claims",
    base_url="http://127.0.0.1:1",
    service_token="",
    timeout_seconds=2.0,
    connect_seconds=0.3,
    max_bytes=1_000_000,
    bulkhead_limit=12,
    breaker_failures=5,
    breaker_open_seconds=60.0,
    breaker_window_seconds=10.0,
    breaker_min_calls=20,
    breaker_failure_rate=0.5,
    breaker_slow_seconds=1.5,
    retry_budget=0.1,
)


def conf_of(base_url: str, **changes: Any) -> UpstreamConf:
    """The settings of an upstream at an address."""
    return dataclasses.replace(CONF, base_url=base_url, **changes)


def outgoing(
    target: str = "/claims",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    may_resend: bool = True,
) -> UpstreamRequest:
    """A request."""
    return UpstreamRequest(
        service="claims", method=method, target=target, headers=headers or {}, body=body, may_resend=may_resend
    )


class Lane(Protocol):
    """Sends one request and waits for its answer, or raises what the lane says."""

    def send(self, outgoing: UpstreamRequest, conf: UpstreamConf, seconds: float) -> UpstreamResponse: ...
    def close(self) -> None: ...


class _Clients:
    """The client of each upstream. `clock` is that of the kept connections."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._keep_alive = KeepAlive(clock=clock)
        self._clients: dict[UpstreamConf, RequestsClient] = {}
        self._lock = threading.Lock()

    def _client(self, conf: UpstreamConf) -> RequestsClient:
        with self._lock:
            if conf not in self._clients:
                self._clients[conf] = RequestsClient(conf, keep_alive=self._keep_alive)
            return self._clients[conf]

    def close(self) -> None:
        """Closes the kept connections."""
        for client in self._clients.values():
            client.close()


class Threads(_Clients):
    """The lane of `Session.send`."""

    def send(self, outgoing: UpstreamRequest, conf: UpstreamConf, seconds: float) -> UpstreamResponse:
        """On this thread."""
        return self._client(conf).send(outgoing, Deadline.after(seconds))


class Batches(_Clients):
    """The lane of `send_all`, with one call in it."""

    def send(self, outgoing: UpstreamRequest, conf: UpstreamConf, seconds: float) -> UpstreamResponse:
        """In a batch of its own, on connections that are shared by all."""
        client, batch = self._client(conf), Multiplexer()
        (exchange,) = client.send_all([client.prepared_call(outgoing, Deadline.after(seconds))], batch)
        give_up_at = time.monotonic() + seconds + 20
        while exchange not in batch.wait(1.0):
            assert time.monotonic() < give_up_at, "the batch does not end"
        assert batch.is_idle
        batch.close()
        if exchange.error is not None:
            raise exchange.error
        assert exchange.answer is not None
        return exchange.answer


def failure_of(lane: Lane, outgoing: UpstreamRequest, conf: UpstreamConf, seconds: float) -> UpstreamUnavailableError:
    """The error that a request ends with."""
    try:
        answer = lane.send(outgoing, conf, seconds)
    except UpstreamUnavailableError as error:
        return error
    raise AssertionError(f"there was an answer: {answer}")
