"""The sandbox tells of its changes: which events follow from what, signed, in order, tried again."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from sandbox.events import EventSender, NoTeller, teller
from sandbox.testing import Sandbox
from tests.sandbox.asking import UPLOAD, a_claim, key, submission
from tests.sandbox.conftest import TODAY
from tests.support.waiting import wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Gateway(ThreadingHTTPServer):
    """Takes events, and refuses as many as it is told to before."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refusals = 0
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1/events"

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        events = [json.loads(body) for _, body in self.taken]
        return [(event["type"], event["data"]) for event in events]


class Taker(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.server.refusals:
            self.server.refusals -= 1
            self.server.refused.append(headers["webhook-id"])
            self.send_response(503)
        else:
            self.server.taken.append((headers, body))
            self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def telling(gateway: Gateway) -> Iterator[Sandbox]:
    with Sandbox(today=TODAY, teller=EventSender(gateway.url, SECRET, sleep=lambda _: None)) as sandbox:
        yield sandbox


def move(sandbox: Sandbox, claim: dict[str, Any], status: str) -> None:
    url = f"{sandbox.url('claims')}/_sandbox/claims/{claim['id']}/status"
    requests.post(url, json={"status": status}, timeout=5).raise_for_status()


def test_a_claim_moved_by_hand_is_told_before_the_call_ends(telling: Sandbox, gateway: Gateway) -> None:
    claim = a_claim(telling, "submitted")

    move(telling, claim, "paid")

    changed = {
        "claim_id": claim["id"],
        "member_id": "m-1",
        "provider_id": claim["provider"]["id"],
        "status": "paid",
    }
    assert gateway.told() == [
        ("payment.updated", {"member_id": "m-1"}),
        ("claim.status.changed", changed),
        ("benefit.updated", {"member_id": "m-1"}),
        ("notification.created", {"member_id": "m-1"}),
    ]


def test_each_event_is_signed_and_has_an_id_of_its_own(telling: Sandbox, gateway: Gateway) -> None:
    move(telling, a_claim(telling, "submitted"), "paid")

    for headers, body in gateway.taken:
        assert Webhook(SECRET).verify(body, headers) == json.loads(body)
    assert len({headers["webhook-id"] for headers, _ in gateway.taken}) == 4


def test_an_event_that_is_not_taken_is_tried_again_under_its_own_id(telling: Sandbox, gateway: Gateway) -> None:
    gateway.refusals = 2

    move(telling, a_claim(telling, "submitted"), "processing")

    assert gateway.refused == [gateway.taken[0][0]["webhook-id"]] * 2
    assert [event_type for event_type, _ in gateway.told()] == ["claim.status.changed", "notification.created"]


def test_what_nobody_takes_is_given_up_and_the_next_is_told(telling: Sandbox, gateway: Gateway) -> None:
    gateway.refusals = 6

    move(telling, a_claim(telling, "submitted"), "processing")

    assert len(set(gateway.refused)) == 1
    assert [event_type for event_type, _ in gateway.told()] == ["notification.created"]


@pytest.mark.parametrize(
    ("service", "method", "path", "send", "told"),
    [
        ("member", "PATCH", "/members/m-1", {"json": {"phone": "12345"}}, [("member.updated", {"member_id": "m-1"})]),
        ("document", "POST", "/documents", {"files": UPLOAD}, [("document.added", {"member_id": "m-1"})]),
        ("member", "GET", "/members/m-1", {}, []),
    ],
)
def test_other_changes_are_told_too(service, method, path, send, told, telling: Sandbox, gateway: Gateway) -> None:
    requests.request(method, telling.url(service) + path, headers=key(), timeout=5, **send).raise_for_status()

    wait_until(lambda: len(gateway.taken) == len(told))
    assert gateway.told() == told


def test_a_new_claim_is_told_to_member_and_provider(telling: Sandbox, gateway: Gateway) -> None:
    url = f"{telling.url('claims')}/claims"
    made = requests.post(url, json=submission(), headers=key(), timeout=5).json()

    wait_until(lambda: len(gateway.taken) == 2)
    changed = {"claim_id": made["id"], "member_id": "m-1", "provider_id": "prov-1", "status": "submitted"}
    assert gateway.told() == [("claim.status.changed", changed), ("notification.created", {"provider_id": "prov-1"})]


def test_a_read_mark_is_told_to_whom_it_belongs(telling: Sandbox, gateway: Gateway) -> None:
    base = f"{telling.url('notification')}/notifications"
    newest = requests.get(base, params={"member_id": "m-1"}, timeout=5).json()["items"][0]

    requests.post(f"{base}/{newest['id']}/read", params={"member_id": "m-1"}, timeout=5).raise_for_status()

    wait_until(lambda: gateway.taken)
    assert gateway.told() == [("notification.created", {"member_id": "m-1"})]


def test_without_an_address_or_a_secret_nobody_is_told() -> None:
    assert isinstance(teller("", (SECRET,)), NoTeller)
    assert isinstance(teller("http://localhost:1/", ()), NoTeller)
