"""Upstreams that answer what a test says, with `responses` in the place of sockets: the fixture `upstreams`.

    def test_claims_are_shown_when_benefits_are_late(upstreams):
        upstreams.answers["listMemberBenefits"] = LATE
        ...
        assert upstreams.operations == ["getMember", "listClaims"]

All is well until a test says otherwise. Each operation is known by the method and address of its contract.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import pytest
import requests
import responses
from pytest_django import Settings
from urllib3.exceptions import NewConnectionError

from gateway_clients.conf import SERVICES
from gateway_clients.pipeline import upstreams as upstreams_module
from sandbox.contract import load_contract
from tests.upstream_answers import all_done, all_well

#: No answer comes in time, though the request was sent.
LATE: Final = requests.ReadTimeout()
#: The connection ends before there is an answer, though the request was sent.
CUT_OFF: Final = requests.ConnectionError()
#: There is no connection: nothing was sent.
REFUSED: Final = requests.ConnectionError(NewConnectionError(None, "refused"))  # type: ignore[arg-type] # nobody reads it

ANYWHERE: Final = re.compile(r"http://\w+\.example/")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request as an upstream gets it. `body` is what has come of it."""

    operation: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


#: What one operation answers: an object, bytes, a status (with an object, with headers), what becomes of the
#: connection, or one of them for each request.
Answer = (
    Mapping[str, Any]
    | bytes
    | int
    | tuple[int, Mapping[str, Any]]
    | tuple[int, Mapping[str, Any], dict[str, str]]
    | requests.RequestException
    | Callable[[Asked], "Answer"]
)


class AnsweringUpstreams:
    """`answers` by operation; one without an answer refuses the connection. `asked` holds what came, as it came.

    Calls that are made side by side come in any order.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = all_well() | all_done()
        self.asked: list[Asked] = []

    @property
    def operations(self) -> list[str]:
        """The names of the operations that were asked for."""
        return [each.operation for each in self.asked]

    @property
    def targets(self) -> list[str]:
        """The paths and queries that were asked for."""
        return [each.target for each in self.asked]

    @property
    def uploaded(self) -> bytes:
        """The last body of a document that came."""
        return next((each.body for each in reversed(self.asked) if each.operation == "uploadDocument"), b"")

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        """Answers a request, as a callback of `responses`."""
        method, url = str(request.method), urlsplit(str(request.url))
        asked = Asked(
            operation=_operation(url.netloc.partition(".")[0], method, url.path),
            method=method,
            target=request.path_url,
            headers=request.headers,
        )
        self.asked.append(asked)
        asked.body = _whole(request.body)
        answer = self.answers.get(asked.operation, REFUSED)
        return _response(answer(asked) if callable(answer) else answer)


@pytest.fixture
def upstreams(settings: Settings) -> Iterator[AnsweringUpstreams]:
    """All services, each asked once for a read; nothing of the test is kept yet, and no breaker has heard of it."""
    settings.RETRY_BUDGET = 0.0
    settings.CACHE_KEY_PREFIX = uuid.uuid4().hex
    for name in SERVICES:
        setattr(settings, f"{name.upper()}_SERVICE_URL", f"http://{name}.example")
    made = AnsweringUpstreams()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in METHODS:
            mock.add_callback(method, ANYWHERE, made.answer, content_type=None)
        yield made
    upstreams_module.forget()
    known = {operation.id for service in SERVICES for operation in load_contract(service).operations}
    assert set(made.answers) <= known, "no contract has such an operation"


def _operation(service: str, method: str, path: str) -> str:
    """The operation of a request. Raises LookupError for one that the contract does not have."""
    for each in load_contract(service).operations:
        if each.method == method and each.pattern.fullmatch(path):
            return each.id
    raise LookupError(f"the contract of the {service} service has no {method} {path}")


def _whole(body: Any) -> bytes:
    """The body of a request, of which an upload's comes piece by piece."""
    return body if isinstance(body, bytes) else b"".join(body or ())


def _response(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """The status, the headers and the body. Raises what becomes of the connection."""
    if isinstance(answer, requests.RequestException):
        raise answer.with_traceback(None)
    if isinstance(answer, bytes):
        return 200, {"Content-Type": "application/octet-stream"}, answer
    if isinstance(answer, int):
        answer = (answer, {})
    status, body, *headers = answer if isinstance(answer, tuple) else (200, answer)
    return status, {"Content-Type": "application/json", **(headers[0] if headers else {})}, msgspec.json.encode(body)
