"""Many readers at once, without a thread for each: HTTP/1.1 over asyncio, timed."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from bff_project.processes.ports import LOOPBACK
from tests.support.gateway import Reply

LONGEST_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One GET of a gateway's port."""

    port: int
    path: str
    headers: Mapping[str, str]

    @property
    def wire(self) -> bytes:
        """As it stands on the wire."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"GET {self.path} HTTP/1.1\r\nHost: {LOOPBACK}\r\n{lines}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Timed:
    """A reply, and when it was asked for (monotonic seconds)."""

    began: float
    reply: Reply


def all_at_once(asks: Sequence[Ask]) -> list[Reply]:
    """Connects for all, then sends all at once; the replies in order."""
    return asyncio.run(_all_at_once(asks))


@dataclass(eq=False, slots=True)
class Crowd:
    """Readers that ask again and again, each on a connection of its own, until it has ended."""

    timed: list[Timed] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    has_ended: bool = False

    def between(self, start: float, end: float) -> list[Reply]:
        """The replies to what was asked between two moments."""
        return [timed.reply for timed in self.timed if start <= timed.began < end]


@contextmanager
def crowd(ask_of: Callable[[int], Ask], *, readers: int, patience_seconds: float = 0.0) -> Iterator[Crowd]:
    """Reads for as long as the `with` lasts; `ask_of` takes a running number. A 503 makes a reader pause."""
    made = Crowd()
    thread = threading.Thread(target=lambda: asyncio.run(_read_on(made, ask_of, readers, patience_seconds)))
    thread.start()
    try:
        yield made
    finally:
        made.has_ended = True
        thread.join(LONGEST_SECONDS)


async def _all_at_once(asks: Sequence[Ask]) -> list[Reply]:
    lines = await asyncio.gather(*(_connected(ask.port) for ask in asks))
    try:
        talks: list[Coroutine[Any, Any, Reply]] = [_ask(*line, ask) for line, ask in zip(lines, asks, strict=True)]
        return list(await asyncio.wait_for(asyncio.gather(*talks), LONGEST_SECONDS))
    finally:
        for _, writer in lines:
            writer.close()


async def _read_on(made: Crowd, ask_of: Callable[[int], Ask], readers: int, patience_seconds: float) -> None:
    numbers = iter(range(1_000_000_000))

    async def read() -> None:
        line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not made.has_ended:
            ask, began = ask_of(next(numbers)), time.monotonic()
            try:
                line = line or await _connected(ask.port)
                reply = await _ask(*line, ask)
            except (OSError, EOFError, TimeoutError) as error:
                made.failures.append(repr(error))
                line = None
                continue
            made.timed.append(Timed(began, reply))
            if reply.status == 503:
                await asyncio.sleep(patience_seconds * random.uniform(0.5, 1.5))
        if line is not None:
            with suppress(OSError):
                line[1].close()

    await asyncio.gather(*(read() for _ in range(readers)))


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(LOOPBACK, port)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: Ask) -> Reply:
    began = time.monotonic()
    writer.write(ask.wire)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONGEST_SECONDS)
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(int(first.split()[1]), headers, body, time.monotonic() - began)
