"""The lane of requests, with `responses` in the place of the network."""

import pytest
import requests
import responses

from gateway_clients.errors import UpstreamConnectionError, UpstreamContractError, UpstreamTimeoutError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.requests_client import RequestsClient
from tests.support.lanes import conf_of, outgoing

URL = "http://claims.example"


@pytest.fixture
def lane() -> RequestsClient:
    return RequestsClient(conf_of(URL))


@responses.activate
def test_a_call_goes_through_the_adapter_as_it_was_meant(lane: RequestsClient) -> None:
    responses.post(f"{URL}/claims?limit=5", body=b'{"id": "c-1"}', status=201, headers={"X-Kind": "Good"})

    sent = outgoing("/claims?limit=5", method="POST", headers={"Idempotency-Key": "k-1"}, body=b'{"q": 1}')
    got = lane.send(sent, Deadline.after(2.0))

    request = responses.calls[0].request
    assert (got.status_code, got.body, got.headers["x-kind"]) == (201, b'{"id": "c-1"}', "Good")
    assert (request.method, request.url, request.body) == ("POST", f"{URL}/claims?limit=5", b'{"q": 1}')
    assert (request.headers["Idempotency-Key"], request.headers["Content-Length"]) == ("k-1", "8")


@responses.activate
def test_only_what_the_pipe_says_is_sent(lane: RequestsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    responses.get(f"{URL}/claims", json={})

    lane.send(outgoing(headers={"Accept": "application/json"}), Deadline.after(2.0))

    assert dict(responses.calls[0].request.headers) == {"Accept": "application/json"}
    assert not responses.calls[0].request.req_kwargs.get("proxies")


@responses.activate
def test_a_redirect_is_an_answer(lane: RequestsClient) -> None:
    responses.get(f"{URL}/claims", status=307, headers={"Location": "http://elsewhere.example/"})

    assert lane.send(outgoing(), Deadline.after(2.0)).status_code == 307
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (requests.exceptions.ConnectTimeout(), UpstreamTimeoutError),
        (requests.exceptions.ReadTimeout(), UpstreamTimeoutError),
        (requests.exceptions.ConnectionError(TimeoutError()), UpstreamTimeoutError),
        (requests.exceptions.ConnectionError(), UpstreamConnectionError),
        (requests.exceptions.ChunkedEncodingError(), UpstreamConnectionError),
        (requests.exceptions.ContentDecodingError(), UpstreamContractError),
    ],
)
def test_what_requests_raises_becomes_ours(
    lane: RequestsClient, foreign: Exception, ours: type[UpstreamConnectionError]
) -> None:
    responses.get(f"{URL}/claims", body=foreign)

    with pytest.raises(ours) as caught:
        lane.send(outgoing(), Deadline.after(2.0))

    assert str(caught.value) == "claims"
    assert len(responses.calls) == 1


@responses.activate
def test_an_answer_past_the_cap_is_refused() -> None:
    responses.get(f"{URL}/claims", body=b"x" * 101)

    with pytest.raises(UpstreamContractError):
        RequestsClient(conf_of(URL, max_bytes=100)).send(outgoing(), Deadline.after(2.0))


@responses.activate
def test_a_bug_stays_what_it_is(lane: RequestsClient) -> None:
    responses.get(f"{URL}/claims", body=ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        lane.send(outgoing(), Deadline.after(2.0))
