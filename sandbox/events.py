"""Tells the gateway what changes in the sandbox's world: in order, signed as Standard Webhooks says."""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec
import requests
from standardwebhooks import Webhook

from sandbox.messages import JSON, Row

logger = logging.getLogger(__name__)

#: Seconds before each further try; then the event is given up, as a real sender gives up at last.
PAUSES_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
TIMEOUT_SECONDS: Final = 5.0
ACCEPTED: Final = 202


class Teller(Protocol):
    """Who is told of changes."""

    def tell(self, event_type: str, data: Row) -> None:
        """Something has changed. Returns at once."""

    def settle(self, seconds: float) -> None:
        """Waits until all that was told has arrived or was given up, so long at most."""

    def stop(self) -> None:
        """Nothing is told any more."""


class NoTeller:
    """Nobody is told."""

    def tell(self, event_type: str, data: Row) -> None:
        """Nothing."""

    def settle(self, seconds: float) -> None:
        """Nothing to wait for."""

    def stop(self) -> None:
        """Nothing runs."""


@dataclass(frozen=True, slots=True)
class _Event:
    id: str
    body: str


class EventSender:
    """Posts events from a thread of its own, one after the other; each is tried again under its own id."""

    def __init__(self, url: str, secret: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url, self._webhook, self._sleep = url, Webhook(secret), sleep
        self._session = requests.Session()
        self._session.trust_env = False
        self._events: queue.Queue[_Event | None] = queue.Queue()
        self._condition = threading.Condition()
        self._under_way = 0
        self._thread = threading.Thread(target=self._run, name="sandbox-events", daemon=True)
        self._thread.start()

    def tell(self, event_type: str, data: Row) -> None:
        """Puts an event in line."""
        body = {"type": event_type, "timestamp": datetime.now(UTC).isoformat(), "data": data}
        with self._condition:
            self._under_way += 1
        self._events.put(_Event(f"evt_{uuid.uuid4().hex}", msgspec.json.encode(body).decode()))

    def settle(self, seconds: float) -> None:
        """Waits until none is in line, so long at most."""
        with self._condition:
            self._condition.wait_for(lambda: self._under_way == 0, seconds)

    def stop(self) -> None:
        """Ends the thread after the event it is at."""
        self._events.put(None)

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            self._deliver(event)
            with self._condition:
                self._under_way -= 1
                self._condition.notify_all()
        self._session.close()

    def _deliver(self, event: _Event) -> None:
        for pause_seconds in (*PAUSES_SECONDS, None):
            if self._is_taken(event):
                return
            if pause_seconds is not None:
                self._sleep(pause_seconds)
        logger.warning("The sandbox gave up an event: %s", event.id)

    def _is_taken(self, event: _Event) -> bool:
        now = datetime.now(UTC)
        headers = {
            "content-type": JSON,
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(event.id, now, event.body),
        }
        try:
            answer = self._session.post(
                self._url, data=event.body.encode(), headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException:
            return False
        return answer.status_code == ACCEPTED


def teller(url: str, secrets: tuple[str, ...]) -> Teller:
    """A sender with the first of the secrets; nobody is told without an address or a secret."""
    return EventSender(url, secrets[0]) if url and secrets else NoTeller()
