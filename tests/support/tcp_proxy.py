"""A TCP proxy as a process of its own: stopped with SIGSTOP, it accepts and then says nothing; or it is slow."""

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
    """Passes on to a port of this machine what comes to its own; `slow_seconds` late once it was slowed down."""

    def __init__(self, target_port: int, directory: Path, *, slow_seconds: float = 0.0) -> None:
        self.port = free_port()
        super().__init__(
            [sys.executable, "-m", "tests.support.tcp_proxy", str(self.port), str(target_port), str(slow_seconds)],
            cwd=ROOT,
            environment=clean_environment(),
            log=directory / f"proxy-{self.port}.log",
        )
        wait_until(lambda: listening(self.port) == 1, seconds=10)

    def slow_down(self) -> None:
        """Answers are passed on late from now on."""
        self.process.send_signal(signal.SIGUSR1)

    def freeze(self) -> None:
        """Connections are accepted by the kernel, and nothing is passed on."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Passes on again, also what has come meanwhile."""
        self.process.send_signal(signal.SIGCONT)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: list[float]) -> None:
    with suppress(OSError):
        while content := await reader.read(65536):
            await asyncio.sleep(sum(late))
            writer.write(content)
            await writer.drain()
    writer.close()


async def _serve(port: int, target_port: int, slow_seconds: float) -> None:
    late: list[float] = []
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: late.append(slow_seconds))

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, target_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, far_writer, []), _pass_on(far_reader, writer, late))

    server = await asyncio.start_server(serve_one, LOOPBACK, port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
