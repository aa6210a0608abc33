"""A gateway whose upstreams answer what a test says, without sockets or a cache, and which remembers what was asked."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from gateway_clients.errors import GatewayError, UpstreamConnectionError, UpstreamContractError
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.attempt import fresh_outcome
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.fan_out import FanOut
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Outcome
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.transfers import Promised
from gateway_clients.resilience.deadline import Deadline
from tests.support.no_cache import NoCache

P = TypeVar("P")

#: What one operation answers: what its upstream would send, how the call came out, or the error it fails with.
Answer = Mapping[str, Any] | bytes | Outcome[Any] | GatewayError


class FakeDownload:
    """Bytes in one piece."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size_bytes(self) -> int:
        """How many."""
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        return iter([self._content])

    def close(self) -> None:
        """Nothing is open."""


class FakeGateway(Gateway):
    """`answers` by operation: `{"getMember": {"id": "m-1", …}, "listClaims": UpstreamTimeoutError("claims")}`.

    An operation without an answer fails like an upstream that is down. `asked` holds the calls in their order.
    """

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__(request_id="request-of-a-test", deadline=Deadline.after(3.0))
        self.answers = answers
        self.asked: list[Call[Any]] = []
        self.uploaded = b""

    def __post_init__(self) -> None:
        """A fan-out that is given no calls, because they are answered where they are made."""
        origin = RequestOrigin(request_id=self.request_id)
        self.fan_out = FanOut(origin=origin, deadline=self.deadline, cache=NoCache())

    @property
    def operations(self) -> list[str]:
        """The names of the operations that were asked for."""
        return [call.operation for call in self.asked]

    def _add(self, call: Call[P]) -> PendingCall[P]:
        """Answers at once."""
        self.asked.append(call)
        pending = PendingCall(call, start=lambda: None)
        pending.started_at = time.monotonic()
        self.fan_out.calls.append(pending)
        try:
            pending.settle(self._answer(call))
        except GatewayError as error:
            pending.fail(error)
        return pending

    def download(self, call: Call[Any], promised: Promised) -> "FakeDownload":
        """What the operation answers, which are bytes."""
        self.asked.append(call)
        answer = self.answers.get(call.operation, UpstreamConnectionError(call.service))
        if not isinstance(answer, bytes):
            raise answer if isinstance(answer, GatewayError) else TypeError(call.operation)
        return FakeDownload(answer)

    def upload(self, call: Call[P], pieces: Iterable[bytes]) -> P:
        """Takes all the pieces (`uploaded`), then answers."""
        self.asked.append(call)
        self.uploaded = b"".join(pieces)
        self.has_streamed = True
        return self._answer(call).value

    def _answer(self, call: Call[P]) -> Outcome[P]:
        answer = self.answers.get(call.operation, UpstreamConnectionError(call.service))
        if isinstance(answer, GatewayError):
            raise answer
        if isinstance(answer, Outcome):
            return answer
        body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        try:
            parsed = call.parse(body)
        except ValueError as error:
            raise UpstreamContractError(call.service, was_sent=True) from error
        return fresh_outcome(parsed)
