"""Staff's overrides of breakers: rows in the database, which every process reads again and again.

A thread of each process reads them, so that a database that does not answer keeps nobody else waiting. What was read
last holds until its own end, whatever becomes of the database and of Redis.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog
from django.db import Error, close_old_connections, connections, transaction

from gateway_clients.conf import SERVICES
from gateway_clients.models import BreakerOverride, new_key
from gateway_clients.resilience.breaker import Override

#: Seconds between two readings: an override holds everywhere within a second, also without Redis.
READ_SECONDS: Final = 0.75
#: Seconds that the start of a process waits for the first reading.
FIRST_READ_SECONDS: Final = 1.0
#: Seconds that the end of a process waits for the reading under way.
STOP_SECONDS: Final = 1.0
log = structlog.get_logger(__name__)


class OverrideOrder(msgspec.Struct, frozen=True):
    """Staff's order for a breaker: until when (seconds since the Unix epoch), why, and by whom (an account's id).

    `ticket` names the record of it elsewhere; it may be empty.
    """

    override: Override
    until: float
    reason: str
    ordered_by: str
    ticket: str = ""


class Ruling(msgspec.Struct, frozen=True):
    """Staff's last word on a breaker. `order` is None when they put it back to normal; each has another `revision`."""

    revision: str
    order: OverrideOrder | None

    def order_at(self, now: float) -> OverrideOrder | None:
        """Returns the order that holds at `now`, in seconds since the Unix epoch, or None."""
        return self.order if self.order is not None and self.order.until > now else None


Rulings = Mapping[str, Ruling]


def read_rulings() -> Rulings:
    """Reads the rows by service; a row that cannot be understood is skipped. Raises `django.db.Error`."""
    found = {row.service: _ruling(row) for row in BreakerOverride.objects.filter(service__in=SERVICES)}
    return {service: ruling for service, ruling in found.items() if ruling is not None}


def write_order(service: str, order: OverrideOrder) -> Ruling:
    """Writes staff's order for a breaker over the one before. Raises `django.db.Error`."""
    until = datetime.fromtimestamp(order.until, UTC)
    return _write(
        service, order.override, until=until, reason=order.reason, ordered_by=order.ordered_by, ticket=order.ticket
    )


def write_reset(service: str, *, reason: str, ordered_by: str) -> Ruling:
    """Writes that staff put a breaker back to normal. Raises `django.db.Error`."""
    return _write(service, Override.NORMAL, until=_now(), reason=reason, ordered_by=ordered_by)


def _write(
    service: str, override: Override, *, until: datetime, reason: str, ordered_by: str, ticket: str = ""
) -> Ruling:
    told = {
        "override": override.value,
        "reason": reason,
        "ticket": ticket,
        "ordered_by": ordered_by,
        "since": _now(),
        "until": until,
    }
    with transaction.atomic():
        row, _ = BreakerOverride.objects.update_or_create(service=service, defaults={**told, "revision": new_key()})
    ruling = _ruling(row)
    assert ruling is not None
    return ruling


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _ruling(row: BreakerOverride) -> Ruling | None:
    try:
        override = Override(row.override)
    except ValueError:
        log.warning("overrides.unreadable_row", service=row.service)
        return None
    order = OverrideOrder(override, row.until.timestamp(), row.reason, row.ordered_by, row.ticket)
    return Ruling(row.revision, None if override is Override.NORMAL else order)


class OverrideReader:
    """Reads the rows in a thread of its own, and gives them to `take`. `turn` is one reading; tests call it."""

    def __init__(self, take: Callable[[Rulings], None], *, read: Callable[[], Rulings] = read_rulings) -> None:
        self._take = take
        self._read = read
        self._has_read = threading.Event()
        self._wake = threading.Event()
        self._is_stopped = False
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="breaker-overrides", daemon=True)

    def start(self) -> None:
        """Starts the thread and waits for its first reading, but not longer than `FIRST_READ_SECONDS`."""
        self._thread.start()
        self._has_read.wait(FIRST_READ_SECONDS)

    def stop(self) -> None:
        """Ends the thread, and waits for it for at most `STOP_SECONDS`."""
        self._is_stopped = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def wake(self) -> None:
        """Makes the thread read at once."""
        self._wake.set()

    def turn(self) -> None:
        """Reads the rows. Raises `django.db.Error`."""
        self._take(self._read())

    def _run(self) -> None:
        while not self._is_stopped:
            self._wake.clear()
            if self._turn_safely():
                close_old_connections()
            else:
                connections.close_all()
            self._has_read.set()
            self._wake.wait(READ_SECONDS)
        connections.close_all()

    def _turn_safely(self) -> bool:
        """Runs a turn and returns whether it succeeded; raises nothing. The first of several failures is logged."""
        try:
            self.turn()
        except Exception as error:
            if not self._is_failing:
                log.warning("overrides.unreadable", reason=type(error).__name__, exc_info=not isinstance(error, Error))
            self._is_failing = True
            return False
        if self._is_failing:
            log.info("overrides.readable")
        self._is_failing = False
        return True
