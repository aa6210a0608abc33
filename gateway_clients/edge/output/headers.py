"""Headers that the gateway makes itself, put as they are: Django looks through each for what may not be sent.

Measured (`tests.bench.pairs`, 2026-11-29): Django's own answer and headers take 1.082 ± 0.014
times as much processor time for a kept dashboard (warm-rest).

Of what comes from outside only what a pattern has let through is put so, such as a request's id.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from django.http import HttpResponse, SimpleCookie
from django.http.response import HttpResponseBase, ResponseHeaders

#: A header's name as it is sent, and its value.
Header = tuple[str, str]


class OwnHeadersResponse(HttpResponse):
    """An answer whose headers go to the server as they stand, instead of each being looked up by its name."""

    def __init__(
        self, body: bytes, *, content_type: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        # All that HttpResponse sets, without looking into what is known of bytes and a type of the gateway's own.
        self.headers = ResponseHeaders(headers or {})
        put(self.headers, ("Content-Type", content_type))
        self.cookies = SimpleCookie()
        self.closed = False
        self.status_code = status
        self._charset = self._handler_class = self._reason_phrase = None
        self._resource_closers: list[Callable[[], None]] = []
        self._container = [body]

    def items(self) -> Iterable[Any]:
        """Returns names and values."""
        return self.headers._store.values()


def discard(response: HttpResponseBase) -> None:
    """Frees what an answer holds that nobody is sent; its `close` would say that the request has ended."""
    closers: list[Callable[[], object]] = response._resource_closers  # type: ignore[attr-defined]
    while closers:
        with suppress(Exception):
            closers.pop(0)()


def put(headers: ResponseHeaders, *made: Header) -> None:
    """Sets headers of the response."""
    store = headers._store
    for header in made:
        store[header[0].lower()] = header


def put_missing(headers: ResponseHeaders, *made: Header) -> None:
    """Sets those that are not there."""
    store = headers._store
    for header in made:
        store.setdefault(header[0].lower(), header)


def value_of(headers: ResponseHeaders, name: str) -> str:
    """A header's value, or an empty text; the name in small letters."""
    header = headers._store.get(name)
    return "" if header is None else str(header[1])
