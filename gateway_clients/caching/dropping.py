"""Drops all cached views that something may have changed: the one way to do it, for writes, events and staff."""

from collections.abc import Iterable

from gateway_clients.caching.changes import OF_ANY_PROVIDER, Change
from gateway_clients.caching.guard import CacheDownError
from gateway_clients.caching.invalidation import write_versions
from gateway_clients.caching.keys import ID_PATTERN, Subject
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.conf import DataClass
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox.errors import LaterError, RefusedError
from gateway_clients.outbox.writing import put

#: The kind of outbox message that drops its `tags` again, in case the process that was to do it has died.
KIND = "cache.drop"
#: Redis is asked again this soon: until then another process might show what is no longer true.
RETRY_SECONDS = 1.0


def claim_tags(*, member_id: str, provider_id: str | None, claim_id: str | None) -> tuple[str, ...]:
    """The tags of all that shows a claim: the claim, its member's and provider's views, the sums over everybody.

    A claim or a provider whose name is no id has no tag: nothing is kept under such a name.
    """
    named = {"member": member_id, "provider": provider_id, "claim": claim_id}
    subjects = [Subject(kind, name) for kind, name in named.items() if name is not None and ID_PATTERN.match(name)]
    any_provider = OF_ANY_PROVIDER if provider_id is None else ()
    return (*map(str, subjects), str(DataClass.SUMMARY), *any_provider)


def drop_changed(changes: Iterable[Change]) -> None:
    """Drops everything that shows what has changed, now. Never raises."""
    drop(_tags_of(changes))


def drop_later(changes: Iterable[Change]) -> None:
    """Has the worker drop it once Redis is back, should this process be gone by then. Raises what the database does."""
    tags = _tags_of(changes)
    if tags:
        put(KIND, {"tags": list(tags)})


def drop(tags: tuple[str, ...]) -> None:
    """Drops everything with one of the tags, now. Never raises: what Redis misses while it is down is applied later."""
    invalidations().invalidate(default_cache().guard, tags)


def drop_message(message: OutboxMessage) -> None:
    """The handler of messages of that kind. Raises LaterError while Redis is down, RefusedError for a bad payload."""
    tags = message.payload.get("tags")
    if not isinstance(tags, list) or not tags:
        raise RefusedError("The message has no tags.", most_tries=1)
    try:
        default_cache().guard.run(lambda redis: write_versions(redis, frozenset(map(str, tags))))
    except CacheDownError:
        raise LaterError("Redis does not answer.", longest_pause_seconds=RETRY_SECONDS) from None


def _tags_of(changes: Iterable[Change]) -> tuple[str, ...]:
    return tuple(sorted({tag for change in changes for tag in change.tags}))
