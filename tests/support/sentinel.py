"""A Sentinel of a test's own, which watches over one Redis."""

import tempfile
from pathlib import Path
from typing import Final

from redis import Redis

from bff_project.processes import child_processes
from bff_project.processes.child_processes import Program
from bff_project.processes.embedded_redis import redis_binary
from bff_project.processes.ports import LOOPBACK, free_port, is_answering
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

#: What it calls the primary.
NAME: Final = "main"
DOWN_MILLISECONDS: Final = 500


class SentinelServer:
    """Watches over the primary at `address`, where its replica is too, and makes that the primary when it is down."""

    def __init__(self, primary: RedisServer, *, address: str = LOOPBACK) -> None:
        binary = redis_binary()
        assert binary is not None
        self.port, self._address = free_port(), address
        self._directory = tempfile.TemporaryDirectory(prefix="sentinel-")
        conf = Path(self._directory.name) / "sentinel.conf"
        conf.write_text(
            f"port {self.port}\nbind {address}\nprotected-mode no\ndir {self._directory.name}\n"
            f"sentinel monitor {NAME} {address} {primary.port} 1\n"
            f"sentinel down-after-milliseconds {NAME} {DOWN_MILLISECONDS}\n"
            f"sentinel failover-timeout {NAME} 3000\n"
        )
        log = Path(self._directory.name) / "sentinel.log"
        self._child = child_processes.start(
            Program(name="Sentinel", command=[binary, str(conf), "--sentinel"], log=log)
        )
        wait_until(lambda: is_answering(self.port, address), seconds=10)

    @property
    def place(self) -> str:
        """Where it is met, as a setting names it."""
        return f"{self._address}:{self.port}"

    def await_replica(self) -> None:
        """Waits until it knows one that could take the primary's place."""
        with Redis(self._address, self.port, decode_responses=True) as asked:
            wait_until(lambda: asked.sentinel_slaves(NAME), seconds=20)

    def await_primary(self, server: RedisServer) -> None:
        """Waits until it says that this one is the primary."""
        with Redis(self._address, self.port, decode_responses=True) as asked:
            wait_until(lambda: int(asked.sentinel_get_master_addr_by_name(NAME)[1]) == server.port, seconds=30)

    def remove(self) -> None:
        """Ends it and removes what it wrote."""
        self._child.kill_group()
        self._directory.cleanup()
