"""One upstream's `requests.Session`: calls side by side, and streams, through the adapter that is mounted in it."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, cast

import requests
from requests.models import PreparedRequest

from gateway_clients.conf import UpstreamConf
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.adapter import UpstreamAdapter
from gateway_clients.transport.blocking_session import ADAPTER_SEND, BlockingSession
from gateway_clients.transport.keep_alive import KeepAlive, keep_alive_of
from gateway_clients.transport.messages import LazyHeaders, PreparedCall, UpstreamRequest, UpstreamResponse
from gateway_clients.transport.multiplexed.multiplexer import Multiplexer, Sending
from gateway_clients.transport.multiplexed.threaded_exchange import ThreadedExchange
from gateway_clients.transport.session import UpstreamSession
from gateway_clients.transport.streams import Stream, on_the_clock

#: Replaced as `ADAPTER_SEND` is, by those who want to see each call.
SESSION_SEND: Final = requests.Session.send


class RequestsClient:
    """The session of one upstream. It keeps no cookies, follows no redirects, and reads no proxies or netrc.

    Settings of `session` take effect: `auth`, `headers`, `verify`, `cert`, `proxies`, `hooks`, mounted adapters.
    """

    def __init__(self, conf: UpstreamConf, *, keep_alive: KeepAlive | None = None) -> None:
        self._conf = conf
        keep_alive = keep_alive or keep_alive_of(conf)
        self.session = UpstreamSession()
        self.session.trust_env = False
        self.session.verify = conf.ca_bundle or True
        self.session.headers.clear()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        adapter = UpstreamAdapter(conf, keep_alive=keep_alive)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)
        self._blocking = BlockingSession(conf, self.session, keep_alive)

    def prepared(self, outgoing: UpstreamRequest, *, pieces: Iterable[bytes] | None = None) -> PreparedRequest:
        """Returns the PreparedRequest, made directly, since what requests would check and guess is known.

        `pieces` are the body of a stream, which has a connection to itself. Raises what the session's `auth` raises.
        """
        session = self.session
        prepared = PreparedRequest()
        prepared.method = outgoing.method
        prepared.url = self._conf.base_url + outgoing.target
        headers = outgoing.headers_to_send if pieces is None else outgoing.all_headers
        if session.headers:
            headers = {**cast(Mapping[str, str], session.headers), **headers}
        prepared.headers = LazyHeaders(headers)
        prepared.body = outgoing.body
        if pieces is not None:
            prepared.body = pieces  # type: ignore[assignment] # what requests sends chunked; its types know bytes alone
            prepared.headers["Transfer-Encoding"] = "chunked"
        if session.hooks["response"]:
            prepared.prepare_hooks(session.hooks)
        if session.auth is not None:
            prepared.prepare_auth(session.auth)
        return prepared

    def prepared_call(self, outgoing: UpstreamRequest, deadline: Deadline) -> PreparedCall:
        """Returns the PreparedCall that `send_all` takes."""
        return PreparedCall(self.prepared(outgoing), deadline, outgoing.may_resend, outgoing)

    def send_all(self, calls: Sequence[PreparedCall], multiplexer: Multiplexer) -> list[Sending]:
        """Begins the calls, whose answers are read while the multiplexer is waited for.

        They go through `send_all` of the mounted adapter. If it has none, or each call must go through requests, they
        go through `Session.send` on threads.
        """
        adapters = [self._adapter_for_all(call.request) for call in calls]
        session = self.session
        if adapters[0] is not None and all(adapter is adapters[0] for adapter in adapters):
            begun: list[Sending] = adapters[0].send_all(calls, multiplexer, verify=session.verify, cert=session.cert)
            return begun
        begun = []
        for call, adapter in zip(calls, adapters, strict=True):
            if adapter is not None:
                begun += adapter.send_all([call], multiplexer, verify=session.verify, cert=session.cert)
                continue
            send = partial(self._send_on_a_thread, call)
            exchange = ThreadedExchange(self._conf.name, send, self._threads, call.deadline, multiplexer.bell)
            multiplexer.start([exchange])
            begun.append(exchange)
        return begun

    def _adapter_for_all(self, request: PreparedRequest) -> Any:
        """Returns the mounted adapter if the call may go through its `send_all`, else None.

        It may unless a `send` was replaced, there are hooks or proxies, or the answer's body is special.
        """
        session = self.session
        assert request.url is not None
        adapter = session.get_adapter(request.url)
        is_seen = (
            getattr(adapter.send, "__func__", None) is not ADAPTER_SEND
            or getattr(session.send, "__func__", None) is not SESSION_SEND
            or session.proxies
            or request.hooks["response"]
        )
        is_plain = request.method != "HEAD" and (request.body is None or isinstance(request.body, bytes))
        return None if is_seen or not is_plain or not hasattr(adapter, "send_all") else adapter

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """The threads for calls that cannot be multiplexed, apart for each upstream: a hung one takes only its own."""
        return ThreadPoolExecutor(2 * self._conf.bulkhead_limit, thread_name_prefix=f"send-{self._conf.name}")

    def send(self, outgoing: UpstreamRequest, deadline: Deadline) -> UpstreamResponse:
        """Returns the whole answer before the deadline, through `Session.send` on this thread.

        Raises the subclasses of UpstreamUnavailableError.
        """
        return self._blocking.send(self.prepared_call(outgoing, deadline))

    def _send_on_a_thread(self, call: PreparedCall) -> UpstreamResponse:
        """Sends a call on a pool's thread; calls `auth` again there, since it may depend on its thread (digest)."""
        if call.outgoing is not None and self.session.auth is not None:
            call = self.prepared_call(call.outgoing, call.deadline)
        return self._blocking.send(call)

    def open(self, outgoing: UpstreamRequest, deadline: Deadline, pieces: Iterable[bytes] | None = None) -> Stream:
        """Sends a request, its body (chunked) as the pieces come, and waits for the head of the answer.

        The stream has a connection to itself. Raises the subclasses of UpstreamUnavailableError, and what iterating the
        pieces raises: the upstream then gets no whole body.
        """
        request = self.prepared(outgoing, pieces=None if pieces is None else on_the_clock(pieces, deadline))
        request.headers["Connection"] = "close"
        return self._blocking.open(request, deadline)

    def close(self) -> None:
        """Closes the kept connections, and lets the threads end."""
        self.session.close()
        if "_threads" in vars(self):
            self._threads.shutdown(wait=False, cancel_futures=True)
