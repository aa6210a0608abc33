"""A gateway that alone is cut off from Redis, and dies: what it has answered, the others show within a second."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import pytest

from bff_project.processes.ports import LOOPBACK
from sandbox.testing import Sandbox
from tests.events.signing import SECRET, body_of, headers_of
from tests.load.conftest import Start, StartWorker
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.alone

MEMBERS: Final = ("/api/v1/members/m-1", "/api/v1/members/m-2")
NEW: Final = "+62 811 555 01"
BOUND_SECONDS: Final = 1.0


class Relay:
    """A way to a port of this machine that can be cut: then connections are refused, and those there are end."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """From now on nothing comes through."""
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((LOOPBACK, self._target))
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_hand_on, args=(source, sink), daemon=True).start()


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(redis_server: RedisServer) -> Iterator[Relay]:
    made = Relay(redis_server.port)
    yield made
    made.cut()


def phones_of(gateway: RunningGateway) -> list[str]:
    """Those of two members."""
    return [gateway.get(path).json["personal"]["phone"] for path in MEMBERS]


@pytest.mark.long
@pytest.mark.timeout(180)
def test_what_it_dropped_is_dropped_by_the_worker(
    start: Start, start_worker: StartWorker, relay: Relay, sandbox: Sandbox
) -> None:
    settings = {"EVENTS_WEBHOOK_SECRET": SECRET, "WORKERS": "1"}
    near = start(**settings)
    cut_off = start(**settings, REDIS_URL=f"redis://{LOOPBACK}:{relay.port}/0")
    start_worker(near)
    old = wait_until(lambda: phones_of(near))
    wait_until(lambda: {state for path in MEMBERS for state in near.get(path).states.values()} == {"cached"})
    headers = {**cut_off.headers_of(), "Content-Type": "application/json"}
    body = json.dumps({"phone": NEW}).encode()
    relay.cut()

    # The first member by a write through the gateway, the second by an event.
    port = int(sandbox.url("member").rpartition(":")[2])
    assert near.ask("PATCH", "/members/m-2", port=port, headers=headers, body=body).status == 200
    event = body_of("member.updated", member_id="m-2")
    told = cut_off.ask("POST", "/api/v1/events", headers={**headers, **headers_of(event)}, body=event)
    written = cut_off.ask("PATCH", MEMBERS[0], headers=headers, body=body)
    acknowledged_at = time.monotonic()
    cut_off.remove()

    assert (told.status, written.status) == (202, 200)
    wait_until(lambda: phones_of(near) == [NEW, NEW], seconds=10)
    assert time.monotonic() - acknowledged_at < BOUND_SECONDS
    assert old != [NEW, NEW]
