"""The addresses of Redis, looked up anew for each connection, with the limit to the wait that the system's has not."""

import os
import socket
import threading
from concurrent.futures import Future
from typing import Any, Final

#: Family and socket address.
Address = tuple[int, Any]
Place = tuple[str, int]

_lock: Final = threading.Lock()
_known: Final[dict[Place, list[Address]]] = {}
_under_way: Final[dict[Place, "Future[list[Address]]"]] = {}
os.register_at_fork(after_in_child=_under_way.clear)


def addresses_of(host: str, port: int, seconds: float | None) -> list[Address]:
    """Where `host` leads now; where it led, if nobody says so in time.

    Raises socket.gaierror, and TimeoutError for a name that was never known. Many who ask for one are one look-up.
    """
    place = (host, port)
    with _lock:
        future = _under_way.get(place)
        if future is None:
            future = _under_way[place] = Future()
            threading.Thread(target=_look_up, args=(place, future), name="redis-resolver", daemon=True).start()
    try:
        return future.result(seconds)
    except (TimeoutError, socket.gaierror):
        known = _known.get(place)
        if known is None:
            raise
        return known


def _look_up(place: Place, future: "Future[list[Address]]") -> None:
    try:
        found = socket.getaddrinfo(*place, 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        # A name that cannot be one is a UnicodeError: the codec's, before anybody is asked.
        failure = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "not a name")
        with _lock:
            del _under_way[place]
        future.set_exception(failure)
        return
    addresses = [(int(family), address) for family, _, _, _, address in found]
    with _lock:
        _known[place] = addresses
        del _under_way[place]
    future.set_result(addresses)
