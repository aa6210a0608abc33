"""The requests client for what is too large to hold: bytes go through as they come, each step on a clock of its own.

A stream has a connection to itself, made for it and closed after it.
"""

import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.hooks import default_hooks
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from gateway_clients.conf import UpstreamConf
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.deadline_socket import DeadlineSocket, StrictConnection
from gateway_clients.transport.exceptions import FOREIGN, map_exception
from gateway_clients.transport.messages import (
    UNENCODED,
    AnswerTooLargeError,
    UpstreamRequest,
    UpstreamResponse,
    inflater_of,
)
from gateway_clients.transport.multiplexed.response_parser import WIRE_FACTOR

PIECE_BYTES: Final = 65_536
#: Seconds within which a stream must get on, and within which an answer must come once all of a body was sent.
STALL_SECONDS: Final = 10.0
#: Places in the pool of connections, all closed when they get there.
MOST_KEPT: Final = 8


class PacedSocket(DeadlineSocket):
    """A socket on a clock that is started anew for each step. TimeoutError once its time is over."""

    def settimeout(self, _seconds: float | None) -> None:
        """Nothing: urllib3 would give each read from the socket a time of its own."""

    def pace(self, seconds: float) -> None:
        """The next step may take so long."""
        self._ends_at = time.monotonic() + seconds


class _StreamProgress(threading.local):
    """The stream that this thread is opening: how long it may take, its socket, and how far it came."""

    head_seconds = 0.0
    paced: PacedSocket | None = None
    has_sent = False


_stream_progress = _StreamProgress()


class _Paced(StrictConnection):
    """What connections over TCP and TLS share."""

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = _stream_progress.paced = PacedSocket(self.sock)
        _stream_progress.paced.pace(_stream_progress.head_seconds)
        _stream_progress.has_sent = True

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            self.close()  # type: ignore[attr-defined]  # kept by an upstream that was asked not to
        super().request(*args, **kwargs)  # type: ignore[misc]


class PacedHTTPConnection(_Paced, HTTPConnection):
    """Over TCP."""


class PacedHTTPSConnection(_Paced, HTTPSConnection):
    """Over TLS."""


class PacedHTTPPool(HTTPConnectionPool):
    """Connections over TCP."""

    ConnectionCls = PacedHTTPConnection


class PacedHTTPSPool(HTTPSConnectionPool):
    """Connections over TLS."""

    ConnectionCls = PacedHTTPSConnection


class PacedAdapter(HTTPAdapter):
    """requests' adapter on paced connections; no retries of its own."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """The pool of pools, with our connections in it."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": PacedHTTPPool, "https": PacedHTTPSPool}


class Stream:
    """An answer whose head has come and whose body comes as it is read. Whoever got it closes it."""

    def __init__(self, service: str, response: requests.Response, paced: PacedSocket, deadline: Deadline) -> None:
        self.status = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._service = service
        self._raw: Any = response.raw
        self._paced = paced
        self._deadline = deadline
        self._has_begun = False
        self._inflater: Any = None

    @property
    def is_encoded(self) -> bool:
        """Whether its bytes come in a content encoding, so that their length is not the content's."""
        return self.headers.get("content-encoding", "").strip().lower() not in UNENCODED

    def read(self) -> bytes:
        """The next bytes, unpacked, none at the end. Raises UpstreamUnavailableError's kinds."""
        try:
            return self._unpacked() if self.is_encoded else self._next()
        except FOREIGN as error:
            raise map_exception(self._service, error, was_sent=True) from error

    def _next(self) -> bytes:
        self._paced.pace(min(STALL_SECONDS, self._deadline.remaining_seconds))
        self._paced.allow(WIRE_FACTOR * PIECE_BYTES)
        piece: bytes = self._raw.read1(PIECE_BYTES, decode_content=False)
        self._has_begun = self._has_begun or bool(piece)
        return piece

    def _unpacked(self) -> bytes:
        if self._inflater is None:
            self._inflater = inflater_of(self.headers["content-encoding"])
        while True:
            packed = self._inflater.unconsumed_tail or self._next()
            piece: bytes = self._inflater.decompress(packed, PIECE_BYTES)
            if piece:
                return piece
            if self._inflater.unused_data or not (packed or self._inflater.eof or not self._has_begun):
                raise zlib.error("truncated")
            if not packed:
                return b""

    def whole(self, *, max_bytes: int) -> UpstreamResponse:
        """The answer, when it is a small one. Raises UpstreamUnavailableError's kinds."""
        body = bytearray()
        while piece := self.read():
            body += piece
            if len(body) > max_bytes:
                raise map_exception(self._service, AnswerTooLargeError(), was_sent=True)
        return UpstreamResponse(self.status, self.headers, bytes(body))

    def close(self) -> None:
        """Gives up what has not been read."""
        self._raw.close()


class StreamClient:
    """One upstream's `requests.Session` for streams; no cookies are kept, no redirects followed, no proxies read."""

    def __init__(self, conf: UpstreamConf) -> None:
        self._conf = conf
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = self._verify = conf.ca_bundle or True
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PacedAdapter(pool_connections=1, pool_maxsize=MOST_KEPT))

    def open(self, outgoing: UpstreamRequest, deadline: Deadline, pieces: Iterable[bytes] | None = None) -> Stream:
        """Sends a request, its body (chunked) as the pieces come, and waits for the head of the answer.

        Raises UpstreamUnavailableError's kinds, and what the pieces raise; then the upstream gets no whole body.
        """
        left = max(deadline.remaining_seconds, 0.001)
        _stream_progress.head_seconds = min(left, self._conf.timeout_seconds)
        _stream_progress.paced, _stream_progress.has_sent = None, False
        url = self._conf.base_url + outgoing.target
        timeout = urllib3.Timeout(connect=min(left, self._conf.connect_seconds), read=left)
        prepared = _prepared(outgoing, url, None if pieces is None else _on_the_clock(pieces, deadline))
        try:
            response = self._session.get_adapter(url).send(
                prepared,
                stream=True,
                timeout=timeout,  # type: ignore[arg-type] # its own types leave it out
                verify=self._verify,
            )
        except FOREIGN as error:
            raise map_exception(self._conf.name, error, was_sent=_stream_progress.has_sent) from error
        assert _stream_progress.paced is not None
        return Stream(self._conf.name, response, _stream_progress.paced, deadline)

    def close(self) -> None:
        """Closes what is open."""
        self._session.close()


def _on_the_clock(pieces: Iterable[bytes], deadline: Deadline) -> Iterator[bytes]:
    """The pieces; sending each has a time of its own, as has the answer after the last; waiting for them has not."""
    for piece in pieces:
        if _stream_progress.paced is not None:
            _stream_progress.paced.pace(min(STALL_SECONDS, deadline.remaining_seconds))
        yield piece
    if _stream_progress.paced is not None:
        _stream_progress.paced.pace(min(STALL_SECONDS, deadline.remaining_seconds))


def _prepared(outgoing: UpstreamRequest, url: str, pieces: Iterator[bytes] | None) -> PreparedRequest:
    """requests' prepared request, made by hand: what it would check and guess is known here."""
    prepared = PreparedRequest()
    prepared.method = outgoing.method
    prepared.url = url
    framing = {} if pieces is None else {"Transfer-Encoding": "chunked"}
    prepared.headers = CaseInsensitiveDict({**outgoing.all_headers, **framing, "Connection": "close"})
    prepared.body = pieces  # type: ignore[assignment]  # what requests sends chunked; its stubs know bytes alone
    prepared.hooks = default_hooks()
    prepared.prepare_cookies({})
    return prepared
