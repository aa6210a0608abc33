"""A broker is told that there is work, and no request ever waits for it."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from gateway_clients.outbox import broker_notifier
from gateway_clients.outbox.broker_notifier import Nudger
from tests.support.waiting import wait_until
from tests.writes.portal import submit


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_frozen_broker_costs_a_submission_nothing(portal, settings, silent_port, scheme) -> None:
    client = portal()
    submit(client)
    settings.CELERY_BROKER_URL = f"{scheme}://127.0.0.1:{silent_port}//"
    broker_notifier.nudger()
    began = time.monotonic()

    assert submit(client).status_code == 201

    assert time.monotonic() - began < 1.0


@pytest.mark.django_db
def test_a_broker_that_refuses_is_not_noticed(portal, settings, free_port, later, written) -> None:
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"

    assert submit(portal()).status_code == 201

    later()
    assert len(written("notification")) == 1


def test_without_a_broker_nobody_is_told(settings, monkeypatch) -> None:
    monkeypatch.setattr(broker_notifier, "nudger", lambda: pytest.fail("there is no broker"))

    broker_notifier.nudge()


def test_nudges_that_come_while_it_talks_are_one_more() -> None:
    published, go_on = [], threading.Semaphore(0)

    def publish() -> None:
        published.append(1)
        go_on.acquire(timeout=10)

    nudger = Nudger(publish)
    nudger.nudge()
    wait_until(lambda: len(published) == 1)
    for _ in range(100):
        nudger.nudge()
    go_on.release()
    wait_until(lambda: len(published) == 2)
    go_on.release()
    nudger.stop()
    wait_until(lambda: not nudger._thread.is_alive())

    assert len(published) == 2


def test_a_lost_nudge_is_followed_by_the_next() -> None:
    published = []

    def publish() -> None:
        published.append(1)
        if len(published) == 1:
            raise ConnectionRefusedError

    nudger = Nudger(publish)
    nudger.nudge()
    wait_until(lambda: published)
    nudger.nudge()

    wait_until(lambda: len(published) == 2)
    nudger.stop()
