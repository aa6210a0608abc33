"""Calls of one thing, and upstreams that answer them when a test lets them."""

import threading
from collections.abc import Callable
from typing import Any

from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.upstreams import admission, all_upstreams
from tests.support.calls import (
    ThingPayload,
    gateway_for,
)
from tests.support.upstream import Asked, RawUpstream, Wire, answer, says_json

Upstreams = Callable[..., list[RawUpstream]]
FIVE = ("claims", "member", "benefit", "policy", "payment")
NEW = ThingPayload(value="new")
OLD = ThingPayload(value="old")
SLOW = says_json({"value": "new"}, after_seconds=0.2)
GOOD = says_json({"value": "new"})
FAILED = answer(status="500 Internal Server Error")


class Gate:
    """Answers one request after the other, each when the test opens it."""

    def __init__(self, *values: str) -> None:
        self._values = list(values)
        self._gates = [threading.Event() for _ in values]
        self.begun = 0

    def open(self, number: int) -> None:
        self._gates[number].set()

    def __call__(self, wire: Wire, asked: Asked) -> None:
        number, self.begun = self.begun, self.begun + 1
        assert self._gates[number].wait(20.0)
        value = self._values[number]
        wire.send(FAILED if value == "fail" else answer(b'{"value": "%s"}' % value.encode()))


def requests_waiting() -> int:
    """Requests of this process that wait on upstreams, or for the calls of others to them."""
    return admission().waiting + sum(each.waiters.waiting for each in all_upstreams())


def outcome_of(call: Any, seconds: float = 3.0, **options: Any) -> Outcome[ThingPayload]:
    outcome: Outcome[ThingPayload] = gateway_for(seconds, **options).call(call).outcome()
    return outcome


def state_of(call: Any, **options: Any) -> tuple[ThingPayload, SectionState]:
    outcome = outcome_of(call, **options)
    return outcome.value, outcome.state
