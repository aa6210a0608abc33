"""The one seam where foreign exceptions become ours; whatever is not in the table is a bug and stays what it is."""

import http.client
import ssl
import zlib
from typing import Final

import httptools
import requests
import urllib3

from gateway_clients.errors import (
    UpstreamConnectionError,
    UpstreamContractError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from gateway_clients.transport.messages import AnswerTooLargeError, UnknownEncodingError

#: The first row that fits the exception, or one that it wraps, decides: what happened outweighs what it was wrapped in.
TABLE: Final[tuple[tuple[type[BaseException], type[UpstreamUnavailableError]], ...]] = (
    (TimeoutError, UpstreamTimeoutError),
    # urllib3 calls every connection that could not be made a timeout.
    (urllib3.exceptions.NewConnectionError, UpstreamConnectionError),
    (urllib3.exceptions.TimeoutError, UpstreamTimeoutError),
    (requests.exceptions.Timeout, UpstreamTimeoutError),
    # Bytes that are no answer
    (AnswerTooLargeError, UpstreamContractError),
    (UnknownEncodingError, UpstreamContractError),
    (zlib.error, UpstreamContractError),
    (httptools.HttpParserError, UpstreamContractError),
    (httptools.HttpParserUpgrade, UpstreamContractError),
    (urllib3.exceptions.InvalidChunkLength, UpstreamContractError),
    (urllib3.exceptions.DecodeError, UpstreamContractError),
    (requests.exceptions.ContentDecodingError, UpstreamContractError),
    (requests.exceptions.InvalidHeader, UpstreamContractError),
    # A connection that ended, or never was
    (http.client.RemoteDisconnected, UpstreamConnectionError),
    (http.client.IncompleteRead, UpstreamConnectionError),
    (http.client.HTTPException, UpstreamContractError),
    (ssl.SSLError, UpstreamConnectionError),
    (OSError, UpstreamConnectionError),
    (urllib3.exceptions.HTTPError, UpstreamConnectionError),
    (urllib3.exceptions.ProxySchemeUnsupported, UpstreamConnectionError),
    (requests.exceptions.RequestException, UpstreamConnectionError),
)
FOREIGN: Final = tuple(foreign for foreign, _ in TABLE)


def map_exception(service: str, foreign: BaseException, *, was_sent: bool) -> UpstreamUnavailableError:
    """Our name for a foreign exception of a client. Raises KeyError for one that the table does not have."""
    causes = _causes(foreign)
    for known, our in TABLE:
        if any(isinstance(cause, known) for cause in causes):
            return our(service, was_sent=was_sent)
    raise KeyError(type(foreign).__name__)


def _causes(error: BaseException) -> list[BaseException]:
    """The exception and what it wraps: requests and urllib3 keep the first cause in `args` or `reason`."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    return found
