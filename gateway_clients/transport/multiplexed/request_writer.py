"""A request that is written on a connection without blocking, as much as goes at a time."""

from requests import PreparedRequest

from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.transport.messages import header_lines
from gateway_clients.transport.multiplexed.connection_pool import ConnectionPool
from gateway_clients.transport.multiplexed.tls_connection import TLSConnection


class RequestWriter:
    """Writes one request. `left` are the bytes to write; `has_sent`: some may have gone.

    `is_cut_off`: the upstream reads no more, so that nothing else can be sent on the connection.
    """

    __slots__ = ("has_sent", "is_cut_off", "left")

    def __init__(self, request: PreparedRequest, pool: ConnectionPool) -> None:
        self.left = encoded(request, pool)
        self.has_sent = False
        self.is_cut_off = False

    def write(self, connection: NonblockingSocket | TLSConnection) -> None:
        """Writes as much as goes. Raises BlockingIOError when nothing does, OSError."""
        self.has_sent = True
        try:
            count = connection.send_now(self.left)
        except (BrokenPipeError, ConnectionResetError):
            # The upstream reads no more; it may have answered why before it closed.
            count = len(self.left)
            self.is_cut_off = True
        self.left = self.left[count:]


def encoded(request: PreparedRequest, pool: ConnectionPool) -> bytes:
    """Returns the request's head and body as bytes."""
    assert request.url is not None
    target = request.url[len(pool.origin) :] or "/"
    start = f"{request.method} {target} HTTP/1.1\r\nHost: {pool.netloc}\r\n"
    head = f"{start}{header_lines(request.headers)}\r\n".encode("latin-1")
    body = request.body
    return head + body if isinstance(body, bytes) else head
