"""Upstreams whose certificates are by an authority of their own: trusted where CA_BUNDLE names it, and nowhere else."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from gateway_clients.conf import UpstreamConf, upstream_conf
from gateway_clients.errors import UpstreamConnectionError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import UpstreamResponse
from gateway_clients.transport.requests_client import RequestsClient
from tests.support.calls import ThingPayload, call_of, gateway_for
from tests.support.certificates import Authority
from tests.support.lanes import conf_of, outgoing

BODY = b'{"value": "new"}'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that does not trust us hangs up."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def port(authority: Authority) -> Iterator[int]:
    """Of an upstream over TLS, on this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = authority.server_context().wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()


def by_thread(conf: UpstreamConf) -> UpstreamResponse:
    lane = RequestsClient(conf)
    try:
        return lane.send(outgoing(), Deadline.after(2.0))
    finally:
        lane.close()


def by_stream(conf: UpstreamConf) -> UpstreamResponse:
    lane = RequestsClient(conf)
    try:
        stream = lane.open(outgoing(), Deadline.after(2.0))
        answer = stream.whole(max_bytes=1000)
        stream.close()
        return answer
    finally:
        lane.close()


LANES: dict[str, Callable[[UpstreamConf], UpstreamResponse]] = {"thread": by_thread, "stream": by_stream}


@pytest.mark.parametrize("send", LANES.values(), ids=LANES)
def test_an_upstream_is_trusted_by_the_authority_that_is_named(
    port: int, authority: Authority, send: Callable[[UpstreamConf], UpstreamResponse]
) -> None:
    answer = send(conf_of(f"https://localhost:{port}", ca_bundle=str(authority.bundle)))
    assert (answer.status_code, answer.body) == (200, BODY)


@pytest.mark.parametrize("send", LANES.values(), ids=LANES)
def test_by_the_usual_ones_or_by_another_it_is_not(
    port: int, tmp_path: Path, send: Callable[[UpstreamConf], UpstreamResponse]
) -> None:
    another = Authority(tmp_path / "another")
    for ca_bundle in ("", str(another.bundle)):
        with pytest.raises(UpstreamConnectionError):
            send(conf_of(f"https://localhost:{port}", ca_bundle=ca_bundle))


@pytest.mark.parametrize("send", LANES.values(), ids=LANES)
def test_a_certificate_of_another_host_is_not_trusted(
    port: int, authority: Authority, send: Callable[[UpstreamConf], UpstreamResponse]
) -> None:
    with pytest.raises(UpstreamConnectionError):
        send(conf_of(f"https://127.1:{port}", ca_bundle=str(authority.bundle)))


def test_the_setting_holds_for_every_upstream(port: int, authority: Authority, settings: Settings) -> None:
    settings.CA_BUNDLE = str(authority.bundle)
    settings.CLAIMS_SERVICE_URL = settings.MEMBER_SERVICE_URL = f"https://localhost:{port}"
    assert upstream_conf("document").ca_bundle == str(authority.bundle)
    gateway = gateway_for()
    pendings = [gateway.call(call_of(name)) for name in ("claims", "member")]

    assert [pending.require() for pending in pendings] == [ThingPayload(value="new")] * 2
