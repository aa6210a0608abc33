"""The one place where exceptions of HTTP libraries become the gateway's; one that is not in the table is a bug."""

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

#: Exceptions that are raised before there is a connection. InvalidHeader is none: an answer's headers cause it too.
UNSENT: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


def map_exception(service: str, foreign: BaseException, *, was_sent: bool) -> UpstreamUnavailableError:
    """Returns the gateway's error for an exception of a library. Raises KeyError for one that the table lacks."""
    causes = _causes(foreign)
    for known, our in TABLE:
        if any(isinstance(cause, known) for cause in causes):
            return our(service, was_sent=was_sent)
    raise KeyError(type(foreign).__name__)


def is_certainly_unsent(foreign: BaseException) -> bool:
    """Returns whether an exception of requests or an adapter says that no byte of the request has left."""
    return any(isinstance(cause, UNSENT) for cause in _causes(foreign))


def _causes(error: BaseException) -> list[BaseException]:
    """Yields the exception and those that it wraps: requests and urllib3 keep the first cause in `args` or `reason`."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    return found
