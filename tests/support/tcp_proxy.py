"""A TCP proxy as a process of its own: stopped with SIGSTOP, it accepts and then says nothing."""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

from bff_project.processes.ports import LOOPBACK, free_port
from tests.support.processes import Started, clean_environment
from tests.support.tcp import listening
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


class TcpProxy(Started):
    """Passes on to a port of this machine what comes to its own."""

    def __init__(self, target_port: int, directory: Path) -> None:
        self.port = free_port()
        super().__init__(
            [sys.executable, "-m", "tests.support.tcp_proxy", str(self.port), str(target_port)],
            cwd=ROOT,
            environment=clean_environment(),
            log=directory / f"proxy-{self.port}.log",
        )
        wait_until(lambda: listening(self.port) == 1, seconds=10)

    def freeze(self) -> None:
        """Connections are accepted by the kernel, and nothing is passed on."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Passes on again, also what has come meanwhile."""
        self.process.send_signal(signal.SIGCONT)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    writer.close()


async def _serve(port: int, target_port: int) -> None:
    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, target_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))

    server = await asyncio.start_server(serve_one, LOOPBACK, port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
