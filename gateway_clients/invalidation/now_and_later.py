"""Drops all cached views that something may have changed: the one way to do it, for writes, events and staff.

Nothing is answered before its drop is known to Redis or to the database: a process that is cut off from Redis leaves it
in the outbox (`pending_drops`), and the worker does it.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import uuid4

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from gateway_clients.caching.invalidation import write_versions
from gateway_clients.caching.keys import ID_PATTERN, Subject
from gateway_clients.caching.pending_invalidations import KIND, due_invalidations, forget, tags_of
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.conf import DataClass
from gateway_clients.invalidation.rules import OF_ANY_PROVIDER, Change
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox.errors import LaterError, RefusedError
from gateway_clients.outbox.publisher import hasten, put, withdraw
from gateway_clients.redis_access.circuit import CacheDownError

#: Redis is asked again this soon: until then another process might show what is no longer true.
RETRY_SECONDS: Final = 1.0
#: A process that has just lost Redis waits so long for its return, for a slow call is most often all there was.
RETURN_SECONDS: Final = 0.5
#: Seconds after the end of a write's time after which nobody is taken to be at it any more.
PROMISE_RESERVE_SECONDS: Final = 5.0


def claim_tags(*, member_id: str, provider_id: str | None, claim_id: str | None) -> tuple[str, ...]:
    """The tags of all that shows a claim: the claim, its member's and provider's views, the sums over everybody.

    A claim or a provider whose name is no id has no tag: nothing is kept under such a name.
    """
    named = {"member": member_id, "provider": provider_id, "claim": claim_id}
    subjects = [Subject(kind, name) for kind, name in named.items() if name is not None and ID_PATTERN.match(name)]
    any_provider = OF_ANY_PROVIDER if provider_id is None else ()
    return (*map(str, subjects), str(DataClass.SUMMARY), *any_provider)


def invalidate_durably(changes: Iterable[Change]) -> None:
    """Drops everything that shows what has changed, now, or leaves it in the outbox while Redis is down.

    Call it in the transaction of what it is dropped for, and `await_return` behind that. Raises what the database does.
    """
    tags = _tags_of(changes)
    if invalidate(tags):
        put(KIND, {"tags": list(tags)})


def invalidate(tags: tuple[str, ...]) -> bool:
    """Drops everything with one of the tags, now; whether Redis has still to be told. Never raises.

    This process tells it before it uses Redis again, if it lives so long.
    """
    return not invalidations().invalidate(default_cache().circuit, tags)


def await_return() -> None:
    """Waits until Redis was told all that it has missed, `RETURN_SECONDS` at most since the first of it."""
    invalidations().await_return(RETURN_SECONDS)


@dataclass(frozen=True, slots=True)
class Promise:
    """A drop that is written down before a write is sent. Whatever becomes of this process, the worker does it."""

    tags: tuple[str, ...]
    about: str = field(default_factory=lambda: f"drop:{uuid4().hex}")

    def keep(self) -> None:
        """Drops it now, or has the worker do it at once. Raises what the database does while Redis is down."""
        if not invalidate(self.tags):
            self.release()
            return
        if not hasten(KIND, about=self.about, due_at=timezone.now()):
            put(KIND, {"tags": list(self.tags)}, about=self.about)
        await_return()

    def release(self) -> None:
        """It is not needed any more. Never raises: what is dropped once too often does no harm."""
        with suppress(DatabaseError, InterfaceError):
            withdraw(KIND, about=self.about)


def promise(changes: Iterable[Change], *, within_seconds: float) -> Promise:
    """Writes down what a write will change that takes no longer than that. Raises what the database does."""
    made = Promise(_tags_of(changes))
    due_at = timezone.now() + timedelta(seconds=within_seconds + PROMISE_RESERVE_SECONDS)
    put(KIND, {"tags": list(made.tags)}, about=made.about, due_at=due_at)
    return made


def apply_pending() -> int:
    """Does what processes that were cut off from Redis have left; how many messages. Raises what the database does."""
    circuit = default_cache().circuit
    if circuit.is_down:
        return 0
    messages = [message for message in due_invalidations() if tags_of([message])]
    if not messages:
        return 0
    try:
        circuit.run(lambda redis: write_versions(redis, tags_of(messages)))
    except CacheDownError:
        return 0
    forget(messages)
    return len(messages)


def invalidate_by_message(message: OutboxMessage) -> None:
    """The handler of messages of that kind. Raises LaterError while Redis is down, RefusedError for a bad payload."""
    tags = message.payload.get("tags")
    if not isinstance(tags, list) or not tags:
        raise RefusedError("The message has no tags.", most_tries=1)
    try:
        default_cache().circuit.run(lambda redis: write_versions(redis, frozenset(map(str, tags))))
    except CacheDownError:
        raise LaterError("Redis does not answer.", longest_pause_seconds=RETRY_SECONDS) from None


def _tags_of(changes: Iterable[Change]) -> tuple[str, ...]:
    return tuple(sorted({tag for change in changes for tag in change.tags}))
