"""Waiting for connections to be ready, to the microsecond: `select.poll` knows no time under a millisecond.

In that time an answer from this machine has come, and another thread would have been called for nothing.
"""

import ctypes
import select
import struct
import threading
from collections.abc import Sequence
from typing import Final

#: As many are watched without making room for them anew.
ROOM: Final = 64
#: poll(2)'s `struct pollfd`: descriptor, events that are waited for, events that came.
_WATCHED: Final = struct.Struct("ihh")
_EACH: Final = [struct.Struct("ihh" * count) for count in range(ROOM + 1)]


class _Seconds(ctypes.Structure):
    """ppoll(2)'s `struct timespec`."""

    _fields_ = (("whole", ctypes.c_long), ("nanos", ctypes.c_long))


class _Own(threading.local):
    """What each thread tells the kernel with."""

    def __init__(self) -> None:
        self.room = bytearray(_WATCHED.size * ROOM)
        self.address = ctypes.addressof((ctypes.c_char * len(self.room)).from_buffer(self.room))
        self.limit = _Seconds()
        self.limit_address = ctypes.addressof(self.limit)


_own: Final = _Own()
_ppoll: Final = getattr(ctypes.CDLL(None), "ppoll", None)
if _ppoll is not None:
    _ppoll.argtypes = (ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)


def wait_readable(watched: Sequence[tuple[int, int]], seconds: float) -> list[int]:
    """Of (descriptor, poll's event mask) the descriptors that are ready, waited for at most so many seconds.

    Other threads run meanwhile. May come back early with none.
    """
    count = len(watched)
    if _ppoll is None or count > ROOM:
        return _polled(watched, seconds)
    own = _own
    own.limit.whole = whole = int(seconds)
    own.limit.nanos = int((seconds - whole) * 1e9)
    each = _EACH[count]
    each.pack_into(own.room, 0, *[part for descriptor, events in watched for part in (descriptor, events, 0)])
    found = _ppoll(own.address, count, own.limit_address, None)
    if found <= 0:
        return []
    if found == count:
        return [descriptor for descriptor, _ in watched]
    came = each.unpack_from(own.room)[2::3]
    return [descriptor for (descriptor, _), has_come in zip(watched, came, strict=True) if has_come]


def _polled(watched: Sequence[tuple[int, int]], seconds: float) -> list[int]:
    """Where there is no ppoll, or too many are watched."""
    poll = select.poll()
    for descriptor, events in watched:
        poll.register(descriptor, events)
    return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]
