"""What happened lately in all processes: breakers that moved, deploys, Redis and the database, work that got stuck.

Staff's own deeds are rows in the database; they are not repeated here.
"""

import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pybreaker
from redis import Redis
from redis.client import Pipeline

from gateway_clients.instrumentation.tally import tally

MOST_EVENTS: Final = 500
#: Events that wait for Redis in one process.
MOST_UNTOLD: Final = 200
#: The log events that stand in the timeline, and how they are told there. Fields in braces are the event's own.
TOLD: Final[Mapping[str, str]] = {
    "cache.down": "Redis stopped answering ({reason})",
    "cache.up": "Redis answers again",
    "cache.drops_unknown": "Drops were lost, and everything that was kept was dropped",
    "database.down": "The database stopped answering",
    "database.up": "The database answers again",
    "audit.unwritten": "{rows} audit rows went to the log: the database did not take them ({reason})",
    "cluster.unreadable": "A message of another process could not be read",
    "overrides.ended": "The override of {service} ({override}) ended by itself",
    "metrics.not_written": "Samples of the metrics wait for the disk ({reason})",
    "outbox.parked": "A {kind} message was parked",
    "submission.unknown": "The outcome of a submission is unknown",
    "submission.unsealable": "A submission cannot be decrypted",
    "upstream.credential_refused": "{service} refuses the gateway's credential",
    "upstream.foreign_answer": "{service} answered about somebody else",
}


class TimelineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, at a moment in seconds since the Unix epoch, in one process.

    What several processes tell under the same `once` happened once.
    """

    at: float
    kind: str
    text: str
    process: str = ""
    service: str = ""
    once: str = ""


_DECODER: Final = msgspec.json.Decoder(TimelineEvent)


class Timeline:
    """The events that this process has not told yet, and those of all in Redis."""

    def __init__(self, prefix: str, *, process: str = "") -> None:
        self._name = f"{prefix}:fleet:timeline"
        self._process = process
        self._untold: deque[TimelineEvent] = deque(maxlen=MOST_UNTOLD)

    def add(self, kind: str, text: str, *, service: str = "", once: str = "") -> None:
        """Adds an event of now."""
        self._untold.append(
            TimelineEvent(at=time.time(), kind=kind, text=text, process=self._process, service=service, once=once)
        )

    def hear_log(self, event: Mapping[str, Any]) -> None:
        """Adds what a log line says, where it belongs here."""
        name = str(event.get("event", ""))
        words = TOLD.get(name)
        if words is not None:
            text = words.format_map(_Fields(event))
            once = str(event.get("revision", ""))
            self.add(name.partition(".")[0], text, service=str(event.get("service", "")), once=once)

    def tell(self, pipeline: Pipeline) -> list[TimelineEvent]:
        """Writes what was not told yet, as part of a pipeline; what that is."""
        telling = list(self._untold)
        self._untold.clear()
        if telling:
            pipeline.lpush(self._name, *(msgspec.json.encode(event) for event in telling))
            pipeline.ltrim(self._name, 0, MOST_EVENTS - 1)
        return telling

    def keep(self, events: list[TimelineEvent]) -> None:
        """Takes back what could not be told."""
        self._untold.extendleft(reversed(events))

    @property
    def untold(self) -> list[TimelineEvent]:
        """Returns the entries that this process has not sent yet, newest first."""
        return list(self._untold)[::-1]

    def latest(self, redis: Redis, most: int) -> list[TimelineEvent]:
        """The latest events, newest first."""
        found: Any = redis.lrange(self._name, 0, most - 1)
        events = [event for raw in found if (event := _decoded(raw)) is not None]
        first = {
            event.once or number: event for number, event in enumerate(sorted(events, key=lambda event: -event.at))
        }
        return list(first.values())


class BreakerListener(pybreaker.CircuitBreakerListener):
    """Adds to the timeline that a breaker moved."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        """Hears of a move; the lock of the breaker is held."""
        if old_state is not None and old_state.name != new_state.name:
            words = {"open": "opened", "closed": "closed again", "half-open": "lets one call through"}
            tally().add(f"breaker|{cb.name}|{new_state.name}")
            self._timeline.add("breaker", f"The breaker of {cb.name} {words[new_state.name]}", service=str(cb.name))


class _Fields(dict[str, Any]):
    """The fields of an event; one that is missing is a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def _decoded(raw: bytes) -> TimelineEvent | None:
    try:
        return _DECODER.decode(raw)
    except (ValueError, RecursionError):
        return None
