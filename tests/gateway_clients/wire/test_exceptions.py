"""No exception of the libraries below the clients gets past the seam."""

import http.client
import inspect
import socket
import ssl
import zlib
from types import ModuleType

import httptools
import pytest
import requests
import urllib3

from gateway_clients.errors import (
    UpstreamConnectionError,
    UpstreamContractError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from gateway_clients.transport.exceptions import FOREIGN, TABLE, map_exception
from gateway_clients.transport.messages import AnswerTooLargeError

MODULES = (requests.exceptions, urllib3.exceptions, httptools.parser.errors, http.client, socket, ssl, zlib)


def exceptions_of(module: ModuleType) -> list[type[BaseException]]:
    found = [each for _, each in inspect.getmembers(module, inspect.isclass) if issubclass(each, BaseException)]
    own = module.__name__ if module in {socket, zlib} else module.__name__.partition(".")[0]
    return [
        each
        for each in found
        if not issubclass(each, Warning) and each.__module__.startswith(own) and not each.__name__.startswith("_")
    ]


ALL = [each for module in MODULES for each in exceptions_of(module)]


def test_there_is_something_to_check() -> None:
    assert len(ALL) > 80


@pytest.mark.parametrize("foreign", ALL, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_every_exception_of_the_libraries_has_a_row(foreign: type[BaseException]) -> None:
    assert issubclass(foreign, FOREIGN)


@pytest.mark.parametrize("foreign", [each for each, _ in TABLE], ids=lambda each: each.__name__)
def test_every_row_leads_to_one_of_ours_with_nothing_of_the_foreign_one(foreign: type[BaseException]) -> None:
    error = map_exception("claims", foreign.__new__(foreign), was_sent=True)

    assert isinstance(error, UpstreamUnavailableError)
    assert (str(error), error.was_sent) == ("claims", True)


@pytest.mark.parametrize(
    ("foreign", "our"),
    [
        (requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("aborted", TimeoutError())), 504),
        (requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("x", ConnectionResetError())), 503),
        (urllib3.exceptions.ProtocolError("broken", http.client.BadStatusLine("SSH")), 502),
        (urllib3.exceptions.ProtocolError("aborted", http.client.RemoteDisconnected()), 503),
        (urllib3.exceptions.ProtocolError("broken", http.client.IncompleteRead(b"")), 503),
        (requests.exceptions.ConnectionError(socket.gaierror(-2, "host.example")), 503),
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError("certificate")), 503),
        (TimeoutError(), 504),
        (OSError(110, "Connection timed out"), 504),
        (ConnectionRefusedError(), 503),
        (AnswerTooLargeError(), 502),
    ],
)
def test_the_first_cause_decides(foreign: Exception, our: int) -> None:
    kinds = {502: UpstreamContractError, 503: UpstreamConnectionError, 504: UpstreamTimeoutError}

    assert type(map_exception("claims", foreign, was_sent=False)) is kinds[our]


def test_causes_that_go_round_in_a_circle_come_to_an_end() -> None:
    first, second = requests.exceptions.ConnectionError(), urllib3.exceptions.ProtocolError("x")
    first.__context__, second.__context__ = second, first

    assert type(map_exception("claims", first, was_sent=False)) is UpstreamConnectionError


def test_a_bug_has_no_row() -> None:
    with pytest.raises(KeyError):
        map_exception("claims", ZeroDivisionError(), was_sent=False)
