"""Runs the handlers of due messages; what fails is tried again, later and later, and parked when that is no use."""

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.signals import setting_changed
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.module_loading import import_string

from gateway_clients.models import OutboxMessage
from gateway_clients.outbox import leases
from gateway_clients.outbox.errors import LONGEST_PAUSE_SECONDS, MOST_TRIES, LaterError, RefusedError
from gateway_clients.runtime.failpoints import Failpoint, reach

#: Why a message is parked whose kind the worker does not know. Workers of others find it by this text: it stays.
UNHANDLED: Final = "OUTBOX_HANDLERS has no handler for {kind}."
Handler = Callable[[OutboxMessage], None]
RunAll = Callable[[Callable[[OutboxMessage], None], list[OutboxMessage]], Iterable[None]]

log = structlog.get_logger(__name__)


@cache
def handlers() -> Mapping[str, Handler]:
    """The handler of each kind, from `OUTBOX_HANDLERS`."""
    return {kind: import_string(name) for kind, name in settings.OUTBOX_HANDLERS.items()}


def sweep(
    *,
    run_all: RunAll = map,
    limit: int = 1,
    clock: Callable[[], datetime] = timezone.now,
    chance: Callable[[], float] = random.random,
) -> int:
    """Deals with so many due messages at most; how many there were. Raises what a dead database raises.

    The lease of each begins now, so `limit` is how many `run_all` runs side by side: none may wait for another.
    """
    messages = leases.lease(limit=limit, now=clock())
    for _ in run_all(lambda message: work(message, clock=clock, chance=chance), messages):
        pass
    return len(messages)


def work_off(*, clock: Callable[[], datetime] = timezone.now, chance: Callable[[], float] = random.random) -> int:
    """Sweeps until nothing is due; how many messages there were."""
    count = 0
    while found := sweep(clock=clock, chance=chance):
        count += found
    return count


def work(message: OutboxMessage, *, clock: Callable[[], datetime], chance: Callable[[], float]) -> None:
    """Deals with one leased message. Raises what a dead database raises; it comes again when its lease ends."""
    try:
        _handler_of(message)(message)
    except (OperationalError, InterfaceError):
        raise
    except LaterError as error:
        pause_seconds = pause(message.attempts, longest_seconds=error.longest_pause_seconds, chance=chance)
        leases.postpone(message, due_at=clock() + timedelta(seconds=pause_seconds), trouble=str(error))
    except Exception as error:  # noqa: BLE001 - whatever a handler raises, the other messages move on
        _refuse(message, error, clock=clock, chance=chance)
    else:
        reach(Failpoint.AFTER_HANDLER_BEFORE_DONE)
        leases.done(message)


def pause(
    attempts: int, *, longest_seconds: float = LONGEST_PAUSE_SECONDS, chance: Callable[[], float] = random.random
) -> float:
    """Seconds until the next try: twice as long each time, up to a limit, less up to a half by chance."""
    longest: float = min(longest_seconds, 2.0 ** min(attempts - 1, 16))
    return longest * (1 - chance() / 2)


def _handler_of(message: OutboxMessage) -> Handler:
    handler = handlers().get(message.kind)
    if handler is None:
        raise RefusedError(UNHANDLED.format(kind=message.kind), most_tries=1)
    return handler


def take_up_unhandled() -> None:
    """Makes due again what a worker of an older version has parked because it did not know the kind, as this one does.

    In a rolling deploy both versions are at work, and either may be the first to see a message.
    """
    troubles = [UNHANDLED.format(kind=kind) for kind in handlers()]
    if count := leases.replay(OutboxMessage.objects.filter(trouble__in=troubles), now=timezone.now()):
        log.info("outbox.taken_up", count=count)


def _refuse(
    message: OutboxMessage, error: Exception, *, clock: Callable[[], datetime], chance: Callable[[], float]
) -> None:
    message.refusals += 1
    is_expected = isinstance(error, RefusedError)
    trouble = str(error) if is_expected else f"The handler failed: {type(error).__name__}; see the worker's log."
    is_final = message.refusals >= getattr(error, "most_tries", MOST_TRIES)
    log.error(
        "outbox.parked" if is_final else "outbox.refused",
        kind=message.kind,
        message=message.pk,
        trouble=trouble,
        exc_info=None if is_expected else error,
    )
    if is_final:
        leases.park(message, now=clock(), trouble=trouble)
    else:
        due_at = clock() + timedelta(seconds=pause(message.attempts, chance=chance))
        leases.postpone(message, due_at=due_at, trouble=trouble)


def forget(*, setting: str, **_: Any) -> None:
    """Choose the handlers anew when the setting changes."""
    if setting == "OUTBOX_HANDLERS":
        handlers.cache_clear()


setting_changed.connect(forget)
