"""Steps of one request side by side on its own thread: what all ask first is sent together, then what they ask next.

A step is run until it waits for a call that was not sent yet. Its calls are sent with those of the other steps, and it
is run anew, now finding its answers. So a step must do nothing but ask, and ask the same again.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

#: More is a step that never ends.
MAX_WAVES: Final = 8

Step = Callable[[], Any]


class NotYetError(Exception):
    """A step waits for a call that will be sent together with those of the other steps."""


class Holder(Protocol):
    """What sends the calls: between `hold` and `release` it only collects them, and whoever waits gets NotYetError."""

    @property
    def is_held(self) -> bool: ...
    def hold(self) -> None: ...
    def release(self) -> None: ...
    def start(self) -> None: ...


def together(holder: Holder, steps: Sequence[Step]) -> list[Any]:
    """What each step came to: its value, or the exception it raised. One alone needs no waves.

    The steps of a step that is run in waves itself belong to these: NotYetError is raised until all of them have ended.
    """
    ends: list[Any] = [None] * len(steps)
    if len(steps) > 1 and not holder.is_held:
        _in_waves(holder, steps, ends)
        return ends
    have_ended = [_has_ended(step, number, ends) for number, step in enumerate(steps)]
    if not all(have_ended):
        raise NotYetError
    return ends


def _in_waves(holder: Holder, steps: Sequence[Step], ends: list[Any]) -> None:
    waiting = list(range(len(steps)))
    for _ in range(MAX_WAVES):
        holder.hold()
        try:
            waiting = [number for number in waiting if not _has_ended(steps[number], number, ends)]
        finally:
            holder.release()
        if not waiting:
            return
        holder.start()
    raise RuntimeError("a step asks for something new each time it is run")


def _has_ended(step: Step, number: int, ends: list[Any]) -> bool:
    try:
        ends[number] = step()
    except NotYetError:
        return False
    except Exception as error:  # noqa: BLE001 - one step's failure, whatever it is, is not another's
        ends[number] = error
    return True
