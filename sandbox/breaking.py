"""Breaks connections: what the faults below HTTP's own rules write, or don't."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from sandbox.faults import Fault, FaultKind
from sandbox.messages import Answer, problem
from sandbox.wire import Connection, head_of

DRIP_SECONDS: Final = 0.05


async def down(connection: Connection, _: Fault) -> None:
    """Closes without an answer."""
    connection.close()


async def reset(connection: Connection, _: Fault) -> None:
    """Resets without an answer."""
    connection.reset()


async def hang(connection: Connection, _: Fault) -> None:
    """Says nothing until the client goes."""
    await connection.closed.wait()


async def hang_head(connection: Connection, _: Fault) -> None:
    """Half a head, then nothing."""
    connection.write(b"HTTP/1.1 200 OK\r\nContent-Type: applica")
    await connection.closed.wait()


async def error(connection: Connection, _: Fault) -> None:
    """500."""
    await connection.send(problem(500, "a fault was asked for"))


async def status(connection: Connection, fault: Fault) -> None:
    """The asked status."""
    headers = () if fault.retry_after is None else (("Retry-After", fault.retry_after),)
    await connection.send(problem(fault.status or 503, "a fault was asked for", headers=headers))


async def lost(connection: Connection, _: Answer) -> None:
    """The answer never leaves."""
    connection.close()


async def error_after(connection: Connection, _: Answer) -> None:
    """500, all the same."""
    await connection.send(problem(500, "a fault was asked for"))


async def mute(connection: Connection, _: Answer) -> None:
    """The answer is never sent."""
    await connection.closed.wait()


async def hang_body(connection: Connection, answer: Answer) -> None:
    """Half the body, then nothing."""
    connection.write(head_of(answer, keeps_alive=True) + answer.body[: len(answer.body) // 2])
    await connection.closed.wait()


async def drip(connection: Connection, answer: Answer) -> None:
    """A byte at a time."""
    connection.write(head_of(answer, keeps_alive=True))
    for number in range(len(answer.body)):
        if connection.closed.is_set():
            return
        connection.write(answer.body[number : number + 1])
        await asyncio.sleep(DRIP_SECONDS)


async def truncate(connection: Connection, answer: Answer) -> None:
    """Half the body, then the end."""
    connection.write(head_of(answer, keeps_alive=True) + answer.body[: len(answer.body) // 2])
    connection.close()


async def bad_chunks(connection: Connection, answer: Answer) -> None:
    """A good chunk, then one whose length is no number."""
    half = len(answer.body) // 2
    head = head_of(answer, keeps_alive=True, framing="Transfer-Encoding: chunked")
    first = b"%x\r\n%s\r\n" % (half, answer.body[:half])
    connection.write(head + first + b"zz\r\n" + answer.body[half:] + b"\r\n0\r\n\r\n")
    connection.close()


async def not_http(connection: Connection, _: Answer) -> None:
    """Something else altogether."""
    connection.write(b"+OK sandbox ready\r\n\r\n")
    connection.close()


async def close_idle(connection: Connection, answer: Answer) -> None:
    """The right answer on a connection that is then closed, whatever was promised."""
    await connection.write_all(head_of(answer, keeps_alive=True) + answer.body)
    connection.close()


#: Instead of carrying the operation out.
REFUSALS: Final[Mapping[FaultKind, Callable[[Connection, Fault], Awaitable[None]]]] = {
    FaultKind.DOWN: down,
    FaultKind.RESET: reset,
    FaultKind.HANG: hang,
    FaultKind.HANG_HEAD: hang_head,
    FaultKind.ERROR: error,
    FaultKind.STATUS: status,
}
#: Instead of sending the answer of an operation that was carried out.
BREAKERS: Final[Mapping[FaultKind, Callable[[Connection, Answer], Awaitable[None]]]] = {
    FaultKind.LOST: lost,
    FaultKind.ERROR_AFTER: error_after,
    FaultKind.MUTE: mute,
    FaultKind.HANG_BODY: hang_body,
    FaultKind.DRIP: drip,
    FaultKind.TRUNCATE: truncate,
    FaultKind.BAD_CHUNKS: bad_chunks,
    FaultKind.NOT_HTTP: not_http,
    FaultKind.CLOSE_IDLE: close_idle,
}
