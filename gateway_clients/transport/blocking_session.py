"""Calls through a `requests.Session`, whose answers the calling thread waits for."""

from http.client import HTTPException
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import UpstreamConnectionError, UpstreamTimeoutError, UpstreamUnavailableError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.adapter import UpstreamAdapter
from gateway_clients.transport.deadline_socket import request_progress
from gateway_clients.transport.exceptions import FOREIGN, is_certainly_unsent, map_exception
from gateway_clients.transport.keep_alive import KeepAlive
from gateway_clients.transport.messages import (
    AnswerTooLargeError,
    PreparedCall,
    UpstreamResponse,
    decoded,
    refuse_announced,
)
from gateway_clients.transport.streams import PIECE_BYTES, Stream

#: `responses`, tracing libraries and the like replace this method to see each call.
ADAPTER_SEND: Final = HTTPAdapter.send


class BlockingSession:
    """Sends through `Session.send` and the adapter that is mounted, as requests does."""

    def __init__(self, conf: UpstreamConf, session: requests.Session, keep_alive: KeepAlive) -> None:
        self._conf = conf
        self._session = session
        self._keep_alive = keep_alive

    def send(self, call: PreparedCall) -> UpstreamResponse:
        """Sends a call and returns the whole answer before its deadline.

        Resends it once, if it may be sent twice, when a kept connection turns out closed. Raises the subclasses of
        UpstreamUnavailableError.
        """
        try:
            return self._send_once(call)
        except UpstreamTimeoutError:
            if request_progress.is_reused and not request_progress.has_received:
                self._keep_alive.distrust()
            raise
        except UpstreamConnectionError:
            is_stale = request_progress.is_reused and not request_progress.has_received
            if not (is_stale and call.may_resend) or call.deadline.has_passed:
                raise
        return self._send_once(call, must_dial=True)

    def _send_once(self, call: PreparedCall, *, must_dial: bool = False) -> UpstreamResponse:
        with request_progress.of(call.deadline, must_dial=must_dial):
            try:
                response = self._answered(call.request, call.deadline)
                try:
                    body = self._body(response, call.deadline)
                except ValueError as error:
                    # urllib3 takes a chunk of a negative size for one, and Python then refuses to read it.
                    response.close()
                    raise HTTPException("not a body") from error
                except BaseException:
                    response.close()
                    raise
                encoding = response.headers.get("content-encoding")
                return UpstreamResponse(
                    response.status_code, response.headers, decoded(body, encoding, max_bytes=self._conf.max_bytes)
                )
            except FOREIGN as error:
                raise self._ours(error, call.request) from error

    def open(self, request: PreparedRequest, deadline: Deadline) -> Stream:
        """Sends a request on a connection to itself and waits for the head of the answer.

        Raises the subclasses of UpstreamUnavailableError, and what iterating the request's body raises.
        """
        head_seconds = min(max(deadline.remaining_seconds, 0.001), self._conf.timeout_seconds)
        with request_progress.of(deadline, must_dial=True, step_seconds=head_seconds):
            try:
                response = self._answered(request, deadline)
            except FOREIGN as error:
                raise self._ours(error, request) from error
            return Stream(self._conf.name, response, request_progress.socket, deadline)

    def _answered(self, request: PreparedRequest, deadline: Deadline) -> requests.Response:
        """Sends through the session and its mounted adapter, as requests does."""
        left = max(deadline.remaining_seconds, 0.001)
        connect = min(left, self._conf.connect_seconds)
        assert request.url is not None
        is_ours = isinstance(self._session.get_adapter(request.url), UpstreamAdapter)
        timeout: Any = urllib3.Timeout(total=left, connect=connect, read=left) if is_ours else (connect, left)
        request.prepare_cookies({})
        return self._session.send(request, stream=True, timeout=timeout, allow_redirects=False)

    def _ours(self, error: BaseException, request: PreparedRequest) -> UpstreamUnavailableError:
        """Returns the gateway's error for an exception. A foreign adapter does not tell how far the request came."""
        assert request.url is not None
        adapter = self._session.get_adapter(request.url)
        is_ours = isinstance(adapter, UpstreamAdapter) and getattr(adapter.send, "__func__", None) is ADAPTER_SEND
        was_sent = request_progress.has_sent if is_ours else not is_certainly_unsent(error)
        return map_exception(self._conf.name, error, was_sent=was_sent)

    def _body(self, response: requests.Response, deadline: Deadline) -> bytes:
        refuse_announced(response.headers.get("content-length"), self._conf.max_bytes)
        body = bytearray()
        for piece in response.raw.stream(PIECE_BYTES, decode_content=False):
            body += piece
            if len(body) > self._conf.max_bytes:
                raise AnswerTooLargeError
            if deadline.has_passed:
                raise TimeoutError
        response.raw.release_conn()
        return bytes(body)
