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
    """One GET of a gateway."""

    port: int
    path: str
    headers: Mapping[str, str]
    host: str = LOOPBACK

    @property
    def wire(self) -> bytes:
        """As it stands on the wire."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n{lines}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Timed:
    """A reply, what was asked for, and when (monotonic seconds)."""

    began: float
    reply: Reply
    path: str

    @property
    def ended(self) -> float:
        """When it had come."""
        return self.began + self.reply.seconds


def all_at_once(asks: Sequence[Ask]) -> list[Reply]:
    """Connects for all, then sends all at once; the replies in order."""
    return asyncio.run(_all_at_once(asks))


@dataclass(eq=False, slots=True)
class Crowd:
    """Readers that ask again and again, each on connections of its own, until it has ended."""

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


def arrivals(ask_of: Callable[[int], Ask], *, per_second: float, seconds: float) -> list[Timed]:
    """Asks at a constant rate, whatever becomes of those before, on as many connections as that takes."""
    return asyncio.run(_arrive(ask_of, per_second, seconds))


async def _arrive(ask_of: Callable[[int], Ask], per_second: float, seconds: float) -> list[Timed]:
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    timed: list[Timed] = []

    async def read(number: int) -> None:
        ask, began = ask_of(number), time.monotonic()
        line = idle.pop() if idle else await _connected(ask)
        timed.append(Timed(began, await _ask(*line, ask), ask.path))
        idle.append(line)

    began_at, readers = time.monotonic(), list[asyncio.Task[None]]()
    while (elapsed := time.monotonic() - began_at) < seconds:
        readers += [asyncio.create_task(read(number)) for number in range(len(readers), int(elapsed * per_second))]
        await asyncio.sleep(0.005)
    await asyncio.wait_for(asyncio.gather(*readers), LONGEST_SECONDS)
    for _, writer in idle:
        writer.close()
    return timed


async def _all_at_once(asks: Sequence[Ask]) -> list[Reply]:
    lines = await asyncio.gather(*(_connected(ask) for ask in asks))
    try:
        talks: list[Coroutine[Any, Any, Reply]] = [_ask(*line, ask) for line, ask in zip(lines, asks, strict=True)]
        return list(await asyncio.wait_for(asyncio.gather(*talks), LONGEST_SECONDS))
    finally:
        for _, writer in lines:
            writer.close()


async def _read_on(made: Crowd, ask_of: Callable[[int], Ask], readers: int, patience_seconds: float) -> None:
    numbers = iter(range(1_000_000_000))

    async def read() -> None:
        lines: dict[tuple[str, int], tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        while not made.has_ended:
            ask, began = ask_of(next(numbers)), time.monotonic()
            place = ask.host, ask.port
            try:
                if place not in lines:
                    lines[place] = await _connected(ask)
                reply = await _ask(*lines[place], ask)
            except (OSError, EOFError, TimeoutError) as error:
                made.failures.append(repr(error))
                lines.pop(place, None)
                continue
            made.timed.append(Timed(began, reply, ask.path))
            if reply.headers.get("connection", "").lower() == "close":
                lines.pop(place)[1].close()
            if reply.status == 503:
                await asyncio.sleep(patience_seconds * random.uniform(0.5, 1.5))
        for _, writer in lines.values():
            with suppress(OSError):
                writer.close()

    await asyncio.gather(*(read() for _ in range(readers)))


async def _connected(ask: Ask) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(ask.host, ask.port)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: Ask) -> Reply:
    began = time.monotonic()
    writer.write(ask.wire)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONGEST_SECONDS)
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(int(first.split()[1]), headers, body, time.monotonic() - began)
