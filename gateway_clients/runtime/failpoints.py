"""Points where a process kills itself, for tests that must know what a crash just there leaves behind."""

import os
import signal
from enum import StrEnum

from django.conf import settings


class Failpoint(StrEnum):
    """What `FAILPOINT` may be set to. The checks refuse it in production."""

    BEFORE_INSERT = "before_insert"
    AFTER_INSERT = "after_insert"
    BEFORE_SEND = "before_send"
    AFTER_SEND_BEFORE_RECORD = "after_send_before_record"
    AFTER_RECORD_BEFORE_ANSWER = "after_record_before_answer"
    AFTER_HANDLER_BEFORE_DONE = "after_handler_before_done"


def reach(point: Failpoint) -> None:
    """Ends this process as `kill -9` does, where the settings say so."""
    if point == settings.FAILPOINT:
        os.kill(os.getpid(), signal.SIGKILL)
