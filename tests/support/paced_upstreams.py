"""The services in a process of their own that each answer any member's reads after the same time, or never.

They compute next to nothing, so that a crowd finds out what the gateway does and not what they do. What they say of a
member is what the sandbox says of one, with the name changed. Each service's contract says which read that is.
"""

import asyncio
import http.client
import multiprocessing
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final
from urllib.parse import urlsplit

from bff_project.processes.ports import LOOPBACK
from gateway_clients.conf import SERVICES
from sandbox.contract import load_contract
from sandbox.testing import Sandbox

MODEL: Final = "m-1"


@dataclass(frozen=True, slots=True)
class PacedUpstreams:
    """The running services. `urls` are a gateway's settings."""

    urls: Mapping[str, str]
    _orders: "Connection[Collection[str], object]"

    def hang(self, *services: str) -> None:
        """From now on these read and never answer; the others do."""
        self._orders.send(services)
        self._orders.recv()


@contextmanager
def paced_upstreams(*, answer_seconds: float) -> Iterator[PacedUpstreams]:
    """Runs them."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, _answers(), answer_seconds), daemon=True
    )
    process.start()
    try:
        ports = ours.recv()
        urls = {f"{name.upper()}_SERVICE_URL": f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
        yield PacedUpstreams(urls, ours)
    finally:
        process.terminate()
        process.join()


@dataclass(frozen=True, slots=True)
class _MemberRead:
    """The address of a read about the model, and what the address of that read about any member looks like."""

    target: str
    pattern: re.Pattern[str]


def _member_reads() -> dict[str, _MemberRead]:
    """The first read of each contract that names a member; some services have none."""
    found = {}
    for service in SERVICES:
        for operation in load_contract(service).operations:
            names = {parameter.name for parameter in operation.parameters}
            if operation.method == "GET" and "member_id" in names:
                found[service] = _member_read(operation.path, has_limit="limit" in names)
                break
    return found


def _member_read(path: str, *, has_limit: bool) -> _MemberRead:
    if "{member_id}" in path:
        whose = re.escape(path).replace(r"\{member_id\}", "([^/?]+)")
        return _MemberRead(path.replace("{member_id}", MODEL), re.compile(rf"{whose}(?:\?|$)"))
    limit = "&limit=5" if has_limit else ""
    return _MemberRead(f"{path}?member_id={MODEL}{limit}", re.compile(rf"{re.escape(path)}\?.*member_id=([^&]+)"))


def _answers() -> dict[str, bytes]:
    with Sandbox() as sandbox:
        return {name: _read(sandbox.url(name), read.target) for name, read in _member_reads().items()}


def _read(url: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200, path
        return answer.read()
    finally:
        connection.close()


def _serve(orders: "Connection[object, Collection[str]]", answers: Mapping[str, bytes], answer_seconds: float) -> None:
    asyncio.run(_Services(answers, answer_seconds).serve(orders))


class _Services:
    def __init__(self, answers: Mapping[str, bytes], answer_seconds: float) -> None:
        self._answers = answers
        self._answer_seconds = answer_seconds
        self._patterns = {name: read.pattern for name, read in _member_reads().items()}
        self._hanging: frozenset[str] = frozenset()

    async def serve(self, orders: "Connection[object, Collection[str]]") -> None:
        loop, ports = asyncio.get_running_loop(), {}
        for name in SERVICES:
            server = await loop.create_server(lambda name=name: _Talk(self, name), LOOPBACK, 0, backlog=1024)
            ports[name] = server.sockets[0].getsockname()[1]
        orders.send(ports)

        def take_order() -> None:
            self._hanging = frozenset(orders.recv())
            orders.send(None)

        loop.add_reader(orders.fileno(), take_order)
        await asyncio.Event().wait()

    def asked(self, talk: "_Talk", name: str, target: str) -> None:
        if name in self._hanging:
            return
        found = self._patterns[name].match(target) if name in self._patterns else None
        if found is None:
            answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        else:
            body = self._answers[name].replace(f'"{MODEL}"'.encode(), f'"{found[1]}"'.encode())
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            answer = head.encode() + body
        asyncio.get_running_loop().call_later(self._answer_seconds, talk.say, answer)


class _Talk(asyncio.Protocol):
    """One connection: GETs, one after the other."""

    def __init__(self, services: _Services, name: str) -> None:
        self._services = services
        self._name = name
        self._come = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._come += data
        while b"\r\n\r\n" in self._come:
            head, _, self._come = self._come.partition(b"\r\n\r\n")
            self._services.asked(self, self._name, head.split(b" ", 2)[1].decode())

    def say(self, answer: bytes) -> None:
        """Sends an answer, unless the gateway has gone."""
        if not self._transport.is_closing():
            self._transport.write(answer)
