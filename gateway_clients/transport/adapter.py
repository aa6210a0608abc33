"""The requests adapter of an upstream, on connections that keep one clock for the whole answer, and caps."""

from collections.abc import Sequence
from typing import Any, Final

from requests.adapters import HTTPAdapter

from gateway_clients.conf import UpstreamConf
from gateway_clients.transport.deadline_pools import ConnectionLimits, pool_classes
from gateway_clients.transport.keep_alive import KeepAlive, keep_alive_of
from gateway_clients.transport.messages import PreparedCall
from gateway_clients.transport.multiplexed.connection_pool import ConnectionPool
from gateway_clients.transport.multiplexed.exchange import AnswerLimits, Exchange
from gateway_clients.transport.multiplexed.multiplexer import Multiplexer
from gateway_clients.transport.multiplexed.response_parser import WIRE_FACTOR
from gateway_clients.transport.multiplexed.tls_connection import Certificate, Verify, tls_context

#: The beginning of an address over TLS, in small letters; an operator may have written others (RFC 3986, 3.1).
TLS_SCHEME: Final = "https:"


class UpstreamAdapter(HTTPAdapter):
    """An HTTPAdapter whose `send` is requests' own, and whose `send_all` sends one or several calls without threads.

    Neither retries by itself, but for a call on a kept connection that the upstream had closed.
    """

    def __init__(self, conf: UpstreamConf, *, keep_alive: KeepAlive | None = None) -> None:
        self._keep_alive = keep_alive or keep_alive_of(conf)
        self._most_kept = 2 * conf.bulkhead_limit
        self._limits = AnswerLimits(conf.name, conf.connect_seconds, conf.max_bytes)
        self._classes = pool_classes(
            ConnectionLimits(conf.connect_seconds, conf.timeout_seconds, WIRE_FACTOR * conf.max_bytes, self._keep_alive)
        )
        self._pools: dict[tuple[str, Verify, Certificate], ConnectionPool] = {}
        super().__init__(pool_connections=1, pool_maxsize=self._most_kept)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Makes urllib3's pool manager with DeadlineHTTPPool and DeadlineHTTPSPool."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Makes the same for a proxy."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = self._classes
        return manager

    def send_all(
        self,
        calls: Sequence[PreparedCall],
        multiplexer: Multiplexer,
        *,
        verify: Verify = True,
        cert: Certificate = None,
    ) -> list[Exchange]:
        """Writes the calls on pooled connections. Their answers are read while the multiplexer is waited for.

        Each ends with a whole `Response` or a subclass of UpstreamUnavailableError, at its deadline at the latest.
        """
        exchanges = [Exchange(call, self._limits, self._pool(call, verify, cert)) for call in calls]
        multiplexer.start(exchanges)
        return exchanges

    def _pool(self, call: PreparedCall, verify: Verify, cert: Certificate) -> ConnectionPool:
        url = call.request.url
        assert url is not None
        path_at = url.find("/", url.index("//") + 2)
        origin = url if path_at < 0 else url[:path_at]
        pool = self._pools.get((origin, verify, cert))
        if pool is None:
            is_tls = origin[: len(TLS_SCHEME)].lower() == TLS_SCHEME
            made = ConnectionPool(
                origin,
                most=self._most_kept,
                keep_alive=self._keep_alive,
                tls=(lambda: tls_context(verify, cert)) if is_tls else None,
            )
            # Two threads may make one each; the one that is there first is used.
            pool = self._pools.setdefault((origin, verify, cert), made)
        return pool

    def close(self) -> None:
        """Closes the kept connections."""
        super().close()
        for pool in list(self._pools.values()):
            pool.close()
