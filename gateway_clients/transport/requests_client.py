"""The requests client: one call on the calling thread, through the session's adapter, on the whole answer's clock."""

from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.hooks import default_hooks
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import UpstreamConnectionError, UpstreamTimeoutError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.deadline_socket import POOL_CLASSES, request_progress
from gateway_clients.transport.exceptions import FOREIGN, map_exception
from gateway_clients.transport.keep_alive import KeepAlive, keep_alive_of
from gateway_clients.transport.messages import AnswerTooLargeError, UpstreamRequest, UpstreamResponse, decoded
from gateway_clients.transport.multiplexed.response_parser import WIRE_FACTOR

PIECE_BYTES: Final = 65_536


class DeadlineAdapter(HTTPAdapter):
    """requests' adapter on connections that keep the clock; no retries of its own."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """The pool of pools, with our connections in it."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES


class RequestsClient:
    """One upstream's `requests.Session`; no cookies are kept, no redirects followed, no proxies or netrc read."""

    def __init__(self, conf: UpstreamConf, *, keep_alive: KeepAlive | None = None) -> None:
        self._conf = conf
        self._keep_alive = keep_alive or keep_alive_of(conf)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = self._verify = conf.ca_bundle or True
        adapter = DeadlineAdapter(pool_connections=1, pool_maxsize=2 * conf.bulkhead_limit)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def send(self, outgoing: UpstreamRequest, deadline: Deadline) -> UpstreamResponse:
        """The whole answer before the deadline. Raises UpstreamUnavailableError's kinds.

        A kept connection that the upstream had closed costs a silent new try, of what may be sent twice.
        """
        try:
            return self._send_once(outgoing, deadline)
        except UpstreamTimeoutError:
            if request_progress.is_reused and not request_progress.has_received:
                self._keep_alive.distrust()
            raise
        except UpstreamConnectionError:
            is_stale = request_progress.is_reused and not request_progress.has_received
            if not (is_stale and outgoing.may_resend) or deadline.has_passed:
                raise
        return self._send_once(outgoing, deadline, must_dial=True)

    def _send_once(self, outgoing: UpstreamRequest, deadline: Deadline, *, must_dial: bool = False) -> UpstreamResponse:
        wire_max_bytes = WIRE_FACTOR * self._conf.max_bytes
        request_progress.begin(
            deadline, keep_alive=self._keep_alive, wire_max_bytes=wire_max_bytes, must_dial=must_dial
        )
        left = max(deadline.remaining_seconds, 0.001)
        timeout = urllib3.Timeout(total=left, connect=min(left, self._conf.connect_seconds), read=left)
        url = self._conf.base_url + outgoing.target
        adapter = self._session.get_adapter(url)
        try:
            response = adapter.send(
                _prepared(outgoing, url),
                stream=True,
                timeout=timeout,  # type: ignore[arg-type] # its own types leave it out
                verify=self._verify,
            )
            try:
                body = self._body(response)
            except BaseException:
                response.raw.close()
                raise
            response.raw.release_conn()
            headers = {name.lower(): value for name, value in response.headers.items()}
            encoding = headers.get("content-encoding")
            return UpstreamResponse(
                response.status_code, headers, decoded(body, encoding, max_bytes=self._conf.max_bytes)
            )
        except FOREIGN as error:
            raise map_exception(self._conf.name, error, was_sent=request_progress.has_sent) from error

    def _body(self, response: requests.Response) -> bytes:
        pieces, size = [], 0
        for piece in response.raw.stream(PIECE_BYTES, decode_content=False):
            size += len(piece)
            if size > self._conf.max_bytes:
                raise AnswerTooLargeError
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Closes the kept connections."""
        self._session.close()


def _prepared(outgoing: UpstreamRequest, url: str) -> PreparedRequest:
    """requests' prepared request, made by hand: what it would check and guess is known here."""
    prepared = PreparedRequest()
    prepared.method = outgoing.method
    prepared.url = url
    prepared.headers = CaseInsensitiveDict(outgoing.headers_to_send)
    prepared.body = outgoing.body
    prepared.hooks = default_hooks()
    prepared.prepare_cookies({})
    return prepared
