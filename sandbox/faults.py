"""The faults a service can be told to have."""

import threading
from enum import StrEnum
from random import Random
from typing import Annotated

import msgspec


class FaultKind(StrEnum):
    """What goes wrong. From `DOWN` to `STATUS` the operation is not carried out; from `LOST` on it is."""

    DELAY = "delay"
    """answers rightly, after `delay_seconds`"""
    DOWN = "down"
    """closes the connection without an answer"""
    RESET = "reset"
    """resets the connection without an answer"""
    HANG = "hang"
    """accepts and never answers"""
    HANG_HEAD = "hang_head"
    """sends half a head, then nothing more"""
    ERROR = "error"
    """500"""
    STATUS = "status"
    """answers `status` (503 where none is given), with `retry_after` where it is given"""

    LOST = "lost"
    """carries it out and closes the connection without an answer"""
    ERROR_AFTER = "error_after"
    """carries it out and answers 500"""
    MUTE = "mute"
    """carries it out and never answers"""
    HANG_BODY = "hang_body"
    """sends the head and half the body, then nothing more"""
    DRIP = "drip"
    """sends the body a byte at a time"""
    TRUNCATE = "truncate"
    """announces the whole body, sends half of it and closes"""
    BAD_CHUNKS = "bad_chunks"
    """chunked, and the second chunk has no length"""
    NOT_HTTP = "not_http"
    """an answer that is not HTTP"""
    CLOSE_IDLE = "close_idle"
    """answers rightly, promises to keep the connection and closes it"""
    GARBAGE = "garbage"
    """HTML with status 200"""
    EMPTY = "empty"
    """200 with an empty body"""
    NOT_JSON = "not_json"
    """half a JSON document, whole as far as HTTP goes"""
    NAN = "nan"
    """numbers are NaN"""
    BIG_NUMBER = "big_number"
    """numbers have 5000 digits"""
    SURROGATE = "surrogate"
    """texts are lone surrogates"""
    DEEP = "deep"
    """JSON of 100,000 levels"""
    HUGE = "huge"
    """the right JSON and 50 MB of spaces"""
    GZIP_BOMB = "gzip_bomb"
    """the same, in a few kB of gzip"""
    REDIRECT = "redirect"
    """302 to another address of the sandbox, which counts who comes"""
    SET_COOKIE = "set_cookie"
    """the right answer with a cookie and headers of the inside"""
    FOREIGN = "foreign"
    """an answer about another member, claim or provider; in a list, one item"""
    MISSING = "missing"
    """`field` is left out (without `field`: all but the ids)"""
    NULL = "null"
    """`field` is null (without `field`: all but the ids)"""
    RENAMED = "renamed"
    """`field` has another name (without `field`: all but the ids)"""
    WRONG_TYPE = "wrong_type"
    """`field` has a value of another type (without `field`: all but the ids)"""
    UNKNOWN_ENUM = "unknown_enum"
    """fields with a fixed list of values have one that is not in it"""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault: of every operation or one, so many times (None: until it is cleared), with a chance.

    `delay_seconds` goes with any kind. `item` spoils only that item of a list (None: all).
    """

    kind: FaultKind
    operation: str | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    delay_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    retry_after: str | None = None
    field: str | None = None
    item: Annotated[int, msgspec.Meta(ge=0)] | None = None


class FaultBoard:
    """The faults of one service: at most one for each operation and one for all, set and read from any thread."""

    def __init__(self, rng: Random) -> None:
        self._lock = threading.Lock()
        self._rng = rng
        self._faults: dict[str | None, Fault] = {}

    def put(self, fault: Fault) -> None:
        """Sets a fault, in place of the one of the same operation."""
        with self._lock:
            self._faults[fault.operation] = fault

    def clear(self) -> None:
        """The service is well again."""
        with self._lock:
            self._faults.clear()

    def faults(self) -> list[Fault]:
        """The faults that are set; `times` is what is left of it."""
        with self._lock:
            return list(self._faults.values())

    def strike(self, operation: str) -> Fault | None:
        """The fault this call has, if any; one operation's own comes before that of all."""
        with self._lock:
            fault = self._faults.get(operation, self._faults.get(None))
            if fault is None or self._rng.random() >= fault.rate:
                return None
            if fault.times is not None:
                if fault.times == 1:
                    del self._faults[fault.operation]
                else:
                    self._faults[fault.operation] = msgspec.structs.replace(fault, times=fault.times - 1)
            return fault
