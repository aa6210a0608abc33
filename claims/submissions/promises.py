"""What a portal was told is pending, though the database did not say whether that stands in it.

This process alone knows of the promise until the database answers again. One that is killed before takes it along: the
portal then sees that there is no such submission.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from django.db import Error as DatabaseError
from django.db import connections

from claims.models import Submission
from claims.submissions import repository
from gateway_clients.outbox.broker_notifier import nudge

PAUSE_SECONDS: Final = 0.5
log = structlog.get_logger(__name__)


def keep(row: Submission, clock: Callable[[], datetime]) -> None:
    """Sees to it, in the background, that the submission is settled; returns at once."""
    threading.Thread(target=_keep, args=(row, clock), name="promise", daemon=True).start()


def _keep(row: Submission, clock: Callable[[], datetime]) -> None:
    while not _is_kept(row, clock):
        time.sleep(PAUSE_SECONDS)
    log.info("submission.promise_kept", submission=str(row.pk))
    nudge()


def _is_kept(row: Submission, clock: Callable[[], datetime]) -> bool:
    try:
        repository.keep_promise(row, clock())
    except DatabaseError:
        return False
    finally:
        connections.close_all()
    return True
