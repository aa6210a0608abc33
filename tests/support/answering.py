"""Upstreams that answer what a test says, with `responses` in the place of sockets.

    with answering({"getMember": MEMBER, "listClaims": UpstreamTimeoutError("claims")}) as asked:
        ...
    assert asked == ["/members/m-1", "/claims?member_id=m-1&limit=5"]

Each operation is found at the address that its contract has; one without an answer is refused, as by an upstream that
is down.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import msgspec
import requests
import responses

from gateway_clients.conf import SERVICES, upstream_conf
from gateway_clients.errors import GatewayError, UpstreamTimeoutError
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.fan_out import FanOut
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.resilience.deadline import Deadline
from sandbox.contract import load_contract
from tests.support.no_cache import NoCache

#: What one operation answers: an object, bytes, a status with an object, or the error it fails with.
Answer = Mapping[str, Any] | bytes | tuple[int, Mapping[str, Any]] | GatewayError


@contextmanager
def answering(answers: Mapping[str, Answer]) -> Iterator[list[str]]:
    """Answers the operations. What it yields holds, once it has ended, the targets that were asked for.

    Raises KeyError for an operation that no contract has.
    """
    asked: list[str] = []
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for name, answer in answers.items():
            service, method, path = _operations()[name]
            address = re.compile(re.escape(upstream_conf(service).base_url) + path + r"(\?.*)?\Z")
            mock.add(method, address, **_response(answer))
        try:
            yield asked
        finally:
            asked += [call.request.path_url for call in mock.calls]


def gateway_without_cache() -> Gateway:
    """The typed clients of one request, which keep nothing and find nothing kept."""
    gateway = Gateway(request_id="request-of-a-test", deadline=Deadline.after(3.0))
    origin = RequestOrigin(request_id=gateway.request_id)
    gateway.fan_out = FanOut(origin=origin, deadline=gateway.deadline, cache=NoCache())
    return gateway


def _response(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, GatewayError):
        is_late = isinstance(answer, UpstreamTimeoutError)
        return {"body": requests.ReadTimeout() if is_late else requests.ConnectionError()}
    if isinstance(answer, bytes):
        return {"body": answer}
    status, body = answer if isinstance(answer, tuple) else (200, answer)
    return {"body": msgspec.json.encode(body), "status": status, "content_type": "application/json"}


@cache
def _operations() -> Mapping[str, tuple[str, str, str]]:
    """The service, the method and the path's pattern of each operation."""
    return {
        operation.id: (service, operation.method, re.sub(r"\\?\{[^}]*\\?\}", "[^/?]+", re.escape(operation.path)))
        for service in SERVICES
        for operation in load_contract(service).operations
    }
