"""requests, used as its documentation says: `responses`, sessions, authentication, hooks, adapters of others."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from pytest_django import Settings
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase, HTTPDigestAuth
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from gateway_clients.conf import SERVICES
from gateway_clients.errors import UpstreamConnectionError, UpstreamContractError, UpstreamTimeoutError
from gateway_clients.pipeline import upstreams as upstreams_module
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.adapter import UpstreamAdapter
from gateway_clients.transport.messages import PreparedCall
from gateway_clients.transport.multiplexed.multiplexer import Multiplexer
from tests.support.calls import ThingPayload, call_of, gateway_for, write_of
from tests.support.certificates import Authority
from tests.support.lanes import SLACK_SECONDS, conf_of, outgoing
from tests.support.upstream import RawUpstream, Script, answer, says, says_json
from tests.upstream_answers import all_well

NEW = ThingPayload(value="new")
GOOD = says_json({"value": "new"})
FIVE = ("claims", "member", "benefit", "policy", "payment")


@pytest.fixture(autouse=True)
def _own_upstreams(settings: Settings) -> Iterator[None]:
    """Each service has an address where nobody is, and is asked once."""
    settings.RETRY_BUDGET = 0.0
    for name in SERVICES:
        setattr(settings, f"{name.upper()}_SERVICE_URL", f"http://{name}.example")
    yield
    upstreams_module.forget()


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[[Script], RawUpstream]]:
    """Makes the claims service of a script."""
    with ExitStack() as stack:

        def make(script: Script) -> RawUpstream:
            made = stack.enter_context(RawUpstream(script))
            settings.CLAIMS_SERVICE_URL = made.url
            return made

        yield make


def session() -> requests.Session:
    """That of the claims service."""
    return upstream("claims").client.session


def has_threads(name: str = "send-claims") -> bool:
    return any(thread.name.startswith(name) for thread in threading.enumerate())


@responses.activate
def test_responses_answers_the_five_calls_of_a_dashboard(signed_in: Any) -> None:
    well = all_well()
    for url, operation in (
        ("http://member.example/members/m-1", "getMember"),
        ("http://claims.example/claims", "listClaims"),
        ("http://benefit.example/members/m-1/benefits", "listMemberBenefits"),
        ("http://policy.example/members/m-1/coverage", "getCoverage"),
        ("http://notification.example/notifications", "listNotifications"),
    ):
        responses.get(url, json=well[operation])

    shown = signed_in(member_id="m-1").get("/api/v1/dashboard/m-1").json()

    assert shown["member"]["name"] == "Siti Rahayu"
    assert {name: section["state"] for name, section in shown["meta"]["sections"].items()} == dict.fromkeys(
        shown["meta"]["sections"], "fresh"
    )
    assert sorted(str(call.request.url).partition("/")[2].partition(".")[0] for call in responses.calls) == [
        "/benefit",
        "/claims",
        "/member",
        "/notification",
        "/policy",
    ]
    assert all(call.request.headers["X-Request-ID"] for call in responses.calls)


@responses.activate
def test_responses_answers_a_read_alone_and_a_write() -> None:
    responses.get("http://claims.example/things/t-1", json={"value": "new"})
    responses.post("http://claims.example/things/t-1", json={"value": "made"}, status=201)

    assert gateway_for().call(call_of()).require() == NEW
    assert gateway_for().call(write_of()).require() == ThingPayload(value="made")
    assert [(call.request.method, call.request.body) for call in responses.calls] == [("GET", None), ("POST", b"{}")]


@responses.activate
def test_responses_answers_streams() -> None:
    responses.get("http://claims.example/file", body=b"%PDF" * 50_000)
    stream = upstream("claims").client.open(outgoing("/file"), Deadline.after(5.0))

    received = b""
    while piece := stream.read():
        received += piece

    assert (stream.status, received) == (200, b"%PDF" * 50_000)


@responses.activate
@pytest.mark.parametrize(
    ("raised", "was_sent"),
    [
        (requests.exceptions.ConnectTimeout(), False),
        (requests.exceptions.ReadTimeout(), True),
        (requests.exceptions.ConnectionError(), True),
    ],
)
def test_of_a_write_that_responses_lets_fail_it_is_told_whether_it_may_have_been_sent(
    raised: Exception, was_sent: bool
) -> None:
    responses.post("http://claims.example/things/t-1", body=raised)

    with pytest.raises((UpstreamConnectionError, UpstreamTimeoutError)) as caught:
        gateway_for().call(write_of()).require()

    assert caught.value.was_sent is was_sent


class Signed(AuthBase):
    """Signs the method and the address."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Signature"] = f"{request.method} {request.path_url}"
        return request


def test_the_sessions_auth_is_used_by_reads_writes_and_streams(serve: Callable[[Script], RawUpstream]) -> None:
    claims = serve(GOOD)
    session().auth = Signed()

    gateway_for().call(call_of()).require()
    gateway_for().call(write_of()).require()
    upstream("claims").client.open(outgoing("/file"), Deadline.after(5.0)).close()

    assert [asked.headers["x-signature"] for asked in claims.asked] == [
        "GET /things/t-1",
        "POST /things/t-1",
        "GET /file",
    ]
    assert not has_threads()


def test_a_pair_is_basic_authentication_in_place_of_the_services_token(
    serve: Callable[[Script], RawUpstream], settings: Settings
) -> None:
    settings.SERVICE_TOKEN = "secret"
    claims = serve(GOOD)
    session().auth = ("user", "password")

    gateway_for().call(call_of()).require()

    assert claims.asked[0].headers["authorization"] == "Basic dXNlcjpwYXNzd29yZA=="


def test_digest_authentication_answers_the_challenge(serve: Callable[[Script], RawUpstream]) -> None:
    challenge = [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]

    def challenging(wire: Any, asked: Any) -> None:
        is_known = asked.headers.get("authorization", "").startswith("Digest ")
        wire.send(answer(b'{"value": "new"}') if is_known else answer(status="401 Unauthorized", headers=challenge))

    claims = serve(challenging)
    session().auth = HTTPDigestAuth("user", "password")

    assert gateway_for().call(call_of()).require() == NEW
    assert ["authorization" in asked.headers for asked in claims.asked] == [False, True]


def test_headers_and_hooks_of_the_session_take_effect(serve: Callable[[Script], RawUpstream]) -> None:
    claims = serve(GOOD)
    heard: list[int] = []
    session().headers["X-Tenant"] = "t-1"
    gateway_for().call(call_of()).require()
    session().hooks["response"].append(lambda response, **_: heard.append(response.status_code))
    gateway_for().call(call_of()).require()

    assert [asked.headers["x-tenant"] for asked in claims.asked] == ["t-1", "t-1"]
    assert heard == [200]


def test_a_proxy_of_the_session_is_asked(serve: Callable[[Script], RawUpstream]) -> None:
    with RawUpstream(GOOD) as proxy:
        session().proxies = {"http": proxy.url}

        assert gateway_for().call(call_of()).require() == NEW
        assert [asked.target for asked in proxy.asked] == ["http://claims.example/things/t-1"]


def test_verify_and_cert_of_the_session_take_effect(settings: Settings, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context()
    context.load_verify_locations(authority.bundle)
    context.verify_mode = ssl.CERT_REQUIRED
    with RawUpstream(GOOD, tls=context) as claims:
        settings.CLAIMS_SERVICE_URL = claims.url
        session().cert = (str(authority.certificate), str(authority.key))
        session().verify = str(authority.bundle)
        assert gateway_for().call(call_of()).require() == NEW

        session().cert = None
        with pytest.raises(UpstreamConnectionError):
            gateway_for().call(call_of()).require()
        assert len(claims.asked) == 1


class Canned(BaseAdapter):
    """Somebody's adapter, which knows nothing of ours."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.timeouts: list[Any] = []

    def send(self, request: requests.PreparedRequest, *_: Any, timeout: Any = None, **__: Any) -> requests.Response:
        self.timeouts.append(timeout)
        time.sleep(self.seconds)
        answered = requests.Response()
        answered.status_code = 200
        answered.headers = CaseInsensitiveDict({"Content-Type": "application/json"})
        answered.raw = _raw(json.dumps({"value": "new"}).encode())
        answered.request, answered.url = request, str(request.url)
        return answered

    def close(self) -> None:
        """Nothing."""


def _raw(body: bytes) -> Any:
    return HTTPResponse(BytesIO(body), preload_content=False, status=200)


def test_a_write_with_an_answer_of_two_lengths_was_sent_also_through_an_adapter_of_somebody_else(
    serve: Callable[[Script], RawUpstream],
) -> None:
    claims = serve(says(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"))
    session().mount("http://", HTTPAdapter())

    with pytest.raises(UpstreamContractError) as caught:
        gateway_for().call(write_of()).require()

    assert (caught.value.was_sent, claims.count) == (True, 1)


@pytest.mark.alone
def test_calls_through_an_adapter_of_somebody_else_go_side_by_side_on_threads() -> None:
    adapters = [Canned(seconds=0.3) for _ in FIVE]
    for name, adapter in zip(FIVE, adapters, strict=True):
        upstream(name).client.session.mount("http://", adapter)
    gateway = gateway_for(5.0)
    pendings = [gateway.call(write_of(name) if name == "claims" else call_of(name)) for name in FIVE]
    started_at = time.monotonic()

    assert [pending.require() for pending in pendings] == [NEW] * 5
    assert time.monotonic() - started_at < 0.3 * 3
    assert all(has_threads(f"send-{name}") for name in FIVE)
    (connect, read) = adapters[0].timeouts[0]
    assert 0.0 < connect <= read <= 5.0


@pytest.mark.alone
def test_an_adapter_that_keeps_no_time_costs_the_call_its_own_and_no_more() -> None:
    session().mount("http://", Canned(seconds=2.0))
    started_at = time.monotonic()

    with pytest.raises(UpstreamTimeoutError) as caught:
        gateway_for(0.5).call(write_of()).require()

    assert caught.value.was_sent
    assert time.monotonic() - started_at < 0.5 + SLACK_SECONDS


def test_a_subclass_that_sends_by_itself_is_asked(serve: Callable[[Script], RawUpstream]) -> None:
    sent: list[str] = []

    class Counting(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            sent.append(str(request.url))
            return super().send(request, *args, **kwargs)

    claims = serve(GOOD)
    session().mount(claims.url, Counting())

    assert gateway_for().call(call_of()).require() == NEW
    assert sent == [f"{claims.url}/things/t-1"]


def test_a_session_whose_send_is_replaced_sees_every_call(
    serve: Callable[[Script], RawUpstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracing does so."""
    serve(GOOD)
    spans: list[str] = []
    send = requests.Session.send

    def traced(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        spans.append(f"{request.method} {request.path_url}")
        return send(session, request, **kwargs)

    monkeypatch.setattr(requests.Session, "send", traced)
    gateway_for().call(call_of()).require()
    gateway_for().call(write_of()).require()

    assert spans == ["GET /things/t-1", "POST /things/t-1"]


@pytest.mark.parametrize("place", ["session", "adapter"])
def test_a_send_that_is_replaced_on_one_object_sees_its_calls(
    serve: Callable[[Script], RawUpstream], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    claims = serve(GOOD)
    target: Any = session() if place == "session" else session().get_adapter(claims.url)
    send, seen = target.send, list[str]()
    monkeypatch.setattr(
        target, "send", lambda request, **kwargs: (seen.append(request.url), send(request, **kwargs))[1]
    )

    assert gateway_for().call(call_of()).require() == NEW
    assert seen == [f"{claims.url}/things/t-1"]


def test_our_adapter_does_not_override_what_others_replace() -> None:
    assert UpstreamAdapter.send is HTTPAdapter.send
    assert isinstance(session().get_adapter("https://claims.example"), UpstreamAdapter)


@pytest.mark.alone
def test_a_get_of_somebody_elses_has_one_clock_for_the_whole_answer(serve: Callable[[Script], RawUpstream]) -> None:
    claims = serve(lambda wire, _: wire.drip(answer(b"x" * 1000), seconds=0.05))
    started_at = time.monotonic()

    with pytest.raises(requests.exceptions.RequestException):
        _ = session().get(f"{claims.url}/things", timeout=0.4).content

    assert time.monotonic() - started_at < 0.4 + SLACK_SECONDS


def test_a_get_of_somebody_elses_is_an_answer_as_usual(serve: Callable[[Script], RawUpstream]) -> None:
    claims = serve(says(answer(b'{"value": "\xc3\xa9"}', headers=[("Content-Type", "application/json")])))

    got = [session().get(f"{claims.url}/things", params={"q": "é"}) for _ in range(2)]

    assert [(each.ok, each.json()) for each in got] == [(True, {"value": "é"})] * 2
    assert [asked.target for asked in claims.asked] == ["/things?q=%C3%A9"] * 2
    assert claims.connections == 1


def test_send_all_takes_prepared_requests_and_gives_responses(serve: Callable[[Script], RawUpstream]) -> None:
    claims = serve(
        says(answer(b'{"value": "\xc3\xa9"}', headers=[("Content-Type", "application/json; charset=utf-8")]))
    )
    adapter, multiplexer = UpstreamAdapter(conf_of(claims.url)), Multiplexer()
    prepared = requests.Request("POST", f"{claims.url}/things", params={"q": "1"}, json={"a": 1}).prepare()
    calls = [PreparedCall(prepared, Deadline.after(5.0), may_resend=False) for _ in range(3)]

    exchanges = adapter.send_all(calls, multiplexer)
    ended: list[Any] = []
    while len(ended) < 3:
        ended += multiplexer.wait(5.0)

    assert set(ended) == set(exchanges)
    for exchange in exchanges:
        got = exchange.answer
        assert isinstance(got, requests.Response)
        assert (got.status_code, got.ok, got.json(), got.text) == (200, True, {"value": "é"}, '{"value": "é"}')
        assert (got.headers["content-TYPE"], got.encoding) == ("application/json; charset=utf-8", "utf-8")
        assert b"".join(got.iter_content(4)) == got.content == '{"value": "é"}'.encode()
        assert (got.url, got.request) == (f"{claims.url}/things?q=1", prepared)
        got.raise_for_status()
        got.close()
    assert {(asked.target, asked.body) for asked in claims.asked} == {("/things?q=1", b'{"a": 1}')}
    adapter.close()
