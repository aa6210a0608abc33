"""Invalidations that the outbox holds for processes that were cut off from Redis.

They are in the database before a write or an event is answered. A process that reaches Redis applies all of them.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

import structlog
from django.apps import apps
from django.db import connections
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from redis import Redis

from gateway_clients.caching.invalidation import raise_generation, write_versions

#: The kind of outbox message that has its `tags` dropped.
KIND: Final = "cache.drop"
#: Messages that are read at a time.
MOST_AT_ONCE: Final = 1_000
log = structlog.get_logger(__name__)


def due_invalidations(now: datetime | None = None) -> Collection[Any]:
    """Returns the due messages, the oldest first, also those that another worker has leased: twice does no harm.

    What was due when it was made is due everywhere: the clock of the machine that made it may be ahead.
    """
    messages = _messages()
    is_due = Q(due_at__lte=now or timezone.now()) | Q(due_at__lte=F("created_at")) | Q(attempts__gt=0)
    return tuple(messages.filter(is_due, parked_at=None).order_by("pk")[:MOST_AT_ONCE])


def tags_of(messages: Iterable[Any]) -> frozenset[str]:
    """Returns the tags that these messages drop; an unreadable message drops none."""
    found = (message.payload.get("tags") for message in messages)
    return frozenset(str(tag) for tags in found if isinstance(tags, list) for tag in tags)


def forget(messages: Collection[Any]) -> None:
    """Deletes messages that were carried out. Raises `django.db.Error`."""
    _messages().filter(pk__in=[message.pk for message in messages]).delete()


def invalidate_before_return(redis: Redis) -> None:
    """Applies what other processes left while this one had no Redis.

    Voids everything when they left more than is read at a time, and when the database is down too. Raises RedisError.
    """
    try:
        messages = due_invalidations()
        tags = tags_of(messages)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the database, what it holds cannot be known
        log.warning("cache.drops_unknown", reason=type(error).__name__)
        raise_generation(redis)
    else:
        if len(messages) >= MOST_AT_ONCE:
            raise_generation(redis)
        elif tags:
            write_versions(redis, tags)
    finally:
        connections.close_all()


def _messages() -> QuerySet[Any]:
    found: QuerySet[Any] = apps.get_model("gateway_clients", "OutboxMessage").objects.filter(kind=KIND)
    return found
