"""Waiting for connections to be ready, to the microsecond: `select.poll` knows no time under a millisecond.

In that time an answer from this machine has come, and another thread would have been called for nothing.
"""

import ctypes
import select
import struct
from collections.abc import Sequence
from typing import Final

#: poll(2)'s `struct pollfd`: descriptor, events that are waited for, events that came.
_WATCHED: Final = struct.Struct("ihh")


class _Seconds(ctypes.Structure):
    """ppoll(2)'s `struct timespec`."""

    _fields_ = (("whole", ctypes.c_long), ("nanos", ctypes.c_long))


_ppoll: Final = getattr(ctypes.CDLL(None), "ppoll", None)
if _ppoll is not None:
    _ppoll.argtypes = (ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)


def ready(watched: Sequence[tuple[int, int]], seconds: float) -> list[int]:
    """Of (descriptor, poll's event mask) the descriptors that are ready, waited for at most so many seconds.

    Other threads run meanwhile. May come back early with none.
    """
    if _ppoll is None:
        return _polled(watched, seconds)
    buffer = (ctypes.c_char * (_WATCHED.size * len(watched)))()
    for number, (descriptor, events) in enumerate(watched):
        _WATCHED.pack_into(buffer, _WATCHED.size * number, descriptor, events, 0)
    whole = int(seconds)
    limit = _Seconds(whole, int((seconds - whole) * 1e9))
    if _ppoll(ctypes.addressof(buffer), len(watched), ctypes.addressof(limit), None) <= 0:
        return []
    return [descriptor for descriptor, _, came in _WATCHED.iter_unpack(buffer) if came]


def _polled(watched: Sequence[tuple[int, int]], seconds: float) -> list[int]:
    """Where there is no ppoll."""
    poll = select.poll()
    for descriptor, events in watched:
        poll.register(descriptor, events)
    return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]
