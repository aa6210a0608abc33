"""A TLS connection with the operations of a NonblockingSocket, none of which blocks."""

import select
import socket
import ssl
from pathlib import Path
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from gateway_clients.runtime.libc import RECEIVE_BYTES
from gateway_clients.runtime.singletons import process_singleton

#: `verify` and `cert` of a `requests.Session`.
Verify = bool | str
Certificate = str | tuple[str, str] | None
PROTOCOLS: Final = ("http/1.1",)


@process_singleton
def tls_context(verify: Verify, cert: Certificate) -> ssl.SSLContext:
    """Returns the SSL context for a session's `verify` and `cert`, read once. Raises OSError for unreadable files."""
    context = create_urllib3_context()
    context.set_alpn_protocols(list(PROTOCOLS))
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        bundle = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
        if Path(bundle).is_dir():
            context.load_verify_locations(capath=bundle)
        else:
            context.load_verify_locations(cafile=bundle)
    if cert is not None:
        certificate, key = (cert, None) if isinstance(cert, str) else cert
        context.load_cert_chain(certificate, key)
    return context


class TLSConnection:
    """Wraps a connected non-blocking socket. `interest` is poll's event mask after a BlockingIOError."""

    def __init__(self, connected: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
        self.interest = select.POLLIN

    def shake_hands(self) -> None:
        """Continues the handshake. Raises BlockingIOError when it would block, ssl.SSLError, OSError."""
        try:
            self._socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise self._waiting(error) from None

    def send_now(self, data: bytes) -> int:
        """Sends as much as possible; returns how many bytes. Raises BlockingIOError when it would block, OSError."""
        try:
            return self._socket.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise self._waiting(error) from None

    def receive_now(self) -> bytes:
        """Returns all bytes that have arrived, little more than `RECEIVE_BYTES` at most; b"" at the end.

        Decrypted bytes do not make the socket readable, so none are left. Raises BlockingIOError when there are none,
        OSError.
        """
        try:
            data = self._socket.recv(RECEIVE_BYTES)
            while self._socket.pending():
                data += self._socket.recv(self._socket.pending())
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise self._waiting(error) from None
        return data

    def has_input(self) -> bool:
        """Whether there are bytes to read, the end, or an error. A session ticket is none of these."""
        try:
            self._socket.recv(1)
        except ssl.SSLWantReadError:
            return False
        except OSError:
            return True
        return True

    def _waiting(self, error: ssl.SSLError) -> BlockingIOError:
        self.interest = select.POLLOUT if isinstance(error, ssl.SSLWantWriteError) else select.POLLIN
        return BlockingIOError()

    def fileno(self) -> int:
        """Returns the descriptor to watch."""
        return self._socket.fileno()

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()
