"""Invalidates the cached views that a change may have touched: the one way to do it, for writes, events and staff.

A request is answered only once Redis or the database has its invalidation: a process that is cut off from Redis leaves
it in the outbox (`caching.pending_invalidations`), and the worker applies it.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import uuid4

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from gateway_clients.caching.keys import ID_PATTERN, Subject
from gateway_clients.caching.pending_invalidations import KIND, due_invalidations, forget, tags_of
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.conf import DataClass
from gateway_clients.invalidation.rules import OF_ANY_PROVIDER, Change
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox.errors import LaterError, RefusedError
from gateway_clients.outbox.publisher import hasten, put, withdraw
from gateway_clients.redis_access.circuit import CacheDownError

#: Seconds after which Redis is asked again: until then another process might show what is no longer true.
RETRY_SECONDS: Final = 1.0
#: Seconds that a process which has just lost Redis waits for its return: most often it was one slow call.
RETURN_SECONDS: Final = 0.5
#: Seconds after the end of a write's time after which it counts as over.
PROMISE_RESERVE_SECONDS: Final = 5.0


def claim_tags(*, member_id: str, provider_id: str | None, claim_id: str | None) -> tuple[str, ...]:
    """Returns the tags of all that shows a claim: itself, its member's and provider's views, the sums over everybody.

    A claim or a provider whose name is no id has no tag: nothing is cached under such a name.
    """
    named = {"member": member_id, "provider": provider_id, "claim": claim_id}
    subjects = [Subject(kind, name) for kind, name in named.items() if name is not None and ID_PATTERN.match(name)]
    any_provider = OF_ANY_PROVIDER if provider_id is None else ()
    return (*map(str, subjects), str(DataClass.SUMMARY), *any_provider)


def invalidate_durably(changes: Iterable[Change]) -> None:
    """Invalidates everything that shows the changes, now, or leaves that in the outbox while Redis is down.

    Call it in the transaction of the change, and `await_return` after that. Raises `django.db.Error`.
    """
    invalidate_or_leave(_tags_of(changes))


def invalidate(tags: tuple[str, ...]) -> bool:
    """Invalidates everything with one of the tags, now; returns whether Redis has still to be told. Never raises.

    This process tells Redis before it uses it again, if it lives so long.
    """
    return not invalidations().invalidate(default_cache().circuit, tags)


def invalidate_or_leave(tags: tuple[str, ...]) -> bool:
    """Invalidates everything with one of the tags; returns False when that was left in the outbox for the worker.

    Raises `django.db.Error` while Redis is down.
    """
    has_to_be_told = invalidate(tags)
    if has_to_be_told:
        put(KIND, {"tags": list(tags)})
    return not has_to_be_told


def await_return() -> None:
    """Waits until Redis was told what it missed, at most `RETURN_SECONDS` since the first of it."""
    invalidations().await_return(RETURN_SECONDS)


@dataclass(frozen=True, slots=True)
class Promise:
    """An invalidation that is stored before a write is sent: the worker applies it whatever becomes of this process."""

    tags: tuple[str, ...]
    about: str = field(default_factory=lambda: f"drop:{uuid4().hex}")

    def keep(self) -> None:
        """Invalidates now, or makes the worker do it at once. Raises `django.db.Error` while Redis is down."""
        if not invalidate(self.tags):
            self.release()
            return
        if not hasten(KIND, about=self.about):
            put(KIND, {"tags": list(self.tags)}, about=self.about)
        await_return()

    def keep_now_and_later(self) -> None:
        """Invalidates now, and has the worker invalidate again once the write's time is over.

        For a write that may still be carried out, after a view without it was cached meanwhile. Raises
        `django.db.Error` while Redis is down.
        """
        if invalidate(self.tags):
            put(KIND, {"tags": list(self.tags)}, about=self.about)
            await_return()

    def release(self) -> None:
        """Withdraws the invalidation. Never raises: one invalidation too many does no harm."""
        with suppress(DatabaseError, InterfaceError):
            withdraw(KIND, about=self.about)


def promise(changes: Iterable[Change], *, within_seconds: float) -> Promise:
    """Writes down the changes of a write that takes at most `within_seconds`. Raises `django.db.Error`."""
    made = Promise(_tags_of(changes))
    due_at = timezone.now() + timedelta(seconds=within_seconds + PROMISE_RESERVE_SECONDS)
    put(KIND, {"tags": list(made.tags)}, about=made.about, due_at=due_at)
    return made


def apply_pending() -> int:
    """Applies what processes that were cut off from Redis left; returns how many messages. Raises `django.db.Error`."""
    circuit = default_cache().circuit
    if circuit.is_down:
        return 0
    messages = [message for message in due_invalidations() if tags_of([message])]
    if not messages:
        return 0
    try:
        circuit.run(lambda redis: invalidations().write_versions(redis, tags_of(messages)))
    except CacheDownError:
        return 0
    forget(messages)
    return len(messages)


def invalidate_by_message(message: OutboxMessage) -> None:
    """Handles one such message. Raises LaterError while Redis is down, RefusedError for a bad payload."""
    tags = message.payload.get("tags")
    if not isinstance(tags, list) or not tags:
        raise RefusedError("The message has no tags.", most_tries=1)
    try:
        default_cache().circuit.run(lambda redis: invalidations().write_versions(redis, frozenset(map(str, tags))))
    except CacheDownError:
        raise LaterError("Redis does not answer.", longest_pause_seconds=RETRY_SECONDS) from None


def _tags_of(changes: Iterable[Change]) -> tuple[str, ...]:
    return tuple(sorted({tag for change in changes for tag in change.tags}))
