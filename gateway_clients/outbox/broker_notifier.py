"""Tells a broker that there is work, where `CELERY_BROKER_URL` names one: a nudge that is lost costs a moment, no more.

The caller never waits: a thread of the process talks to the broker, one nudge at a time, with a bound on each.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Final

import structlog
from django.conf import settings
from django.core.signals import setting_changed

log = structlog.get_logger(__name__)
#: A broker that is down is asked again no sooner.
RESPITE_SECONDS: Final = 1.0


class Nudger:
    """One thread that publishes; what comes while it is busy is one nudge more."""

    def __init__(self, publish: Callable[[], None]) -> None:
        self._publish = publish
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """Notifies the broker's worker; returns at once."""
        self._wanted.set()

    def stop(self) -> None:
        """Ends the thread when it is done with what it does."""
        self._stopped.set()
        self._wanted.set()

    def _run(self) -> None:
        while self._wanted.wait() and not self._stopped.is_set():
            self._wanted.clear()
            try:
                self._publish()
            except Exception as error:  # noqa: BLE001 - a broker may fail as it likes; the sweep finds the work
                log.warning("outbox.nudge_lost", reason=type(error).__name__)
                self._stopped.wait(RESPITE_SECONDS)


@cache
def nudger() -> Nudger:
    """The nudger of this process, made at the first nudge."""
    return Nudger(_publish)


def _publish() -> None:
    # Half a second of imports, which no request waits for: this runs in the nudger's own thread.
    from gateway_clients.outbox.celery_app import TASK, celery_app

    celery_app().send_task(TASK, ignore_result=True)


def nudge() -> None:
    """There is something in the outbox; returns at once. Call it after the transaction."""
    if settings.CELERY_BROKER_URL:
        nudger().nudge()


def forget(*, setting: str, **_: object) -> None:
    """Talk to the other broker when the setting changes."""
    if setting == "CELERY_BROKER_URL" and nudger.cache_info().currsize:
        nudger().stop()
        nudger.cache_clear()


setting_changed.connect(forget)
