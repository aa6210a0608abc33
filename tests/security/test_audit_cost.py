"""A member's warm answer costs hardly more with the audit trail; staff's waits for its commit."""

import http.client
import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from sandbox.testing import Sandbox
from tests.database.conftest import prepare
from tests.security.switched_server import COST, WITHOUT, WRITTEN_COST
from tests.support.gateway import RunningGateway, free_port
from tests.support.redis_server import RedisServer
from tests.writes.servers import postgres

PATH = "/api/v1/dashboard/m-1"
#: Requests of a turn: with the trail, without it, and again with it, so that batches are nearly as large as where all
#: are. The first two are over before a shared machine grows faster or slower.
TURN = 20


@contextmanager
def no_server() -> Iterator[None]:
    """The gateway's own SQLite."""
    yield None


class Reader:
    """One connection to the switched server, and what that has needed."""

    def __init__(self, gateway: RunningGateway, who: str) -> None:
        self._connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=30)
        self._headers = gateway.headers_of(who)

    def get(self, path: str, headers: dict[str, str]) -> bytes:
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body

    def cost(self, path: str = COST) -> tuple[float, float]:
        """Processor seconds so far: of all but the writer of the rows, and of that one."""
        process, writer = json.loads(self.get(path, {}))
        return process - writer, writer

    def spent(self, **headers: str) -> float:
        """Processor seconds of a request, but for what writes the rows."""
        before, _ = self.cost()
        for _ in range(TURN):
            self.get(PATH, {**self._headers, **headers})
        return (self.cost()[0] - before) / TURN

    def ratio(self, turns: int) -> float:
        """A request's processor time with the trail to that without; the writer's counts in whosever turn it works."""
        without = {WITHOUT: "1"}
        for _ in range(10):
            self.spent()
        _, before = self.cost(WRITTEN_COST)
        pairs = [(self.spent(), self.spent(**without), self.spent())[:2] for _ in range(turns)]
        writing = (self.cost(WRITTEN_COST)[1] - before) / (turns * 2 * TURN)
        return statistics.median(on / off for on, off in pairs) + writing / statistics.median(off for _, off in pairs)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(400)
@pytest.mark.parametrize("server", [no_server, postgres], ids=["SQLite", "PostgreSQL"])
def test_a_members_warm_answer_costs_at_most_a_tenth_more(
    tmp_path: Path, redis_server: RedisServer, server: Callable[[], AbstractContextManager[str | None]]
) -> None:
    port = free_port()
    options = ["--host=127.0.0.1", f"--port={port}", "--workers=1", "--threads=8", "--finish-seconds=5"]
    with server() as url, Sandbox() as sandbox:
        if url is not None:
            prepare(url)
        gateway = RunningGateway(
            tmp_path,
            redis_url=redis_server.url,
            upstreams=sandbox.urls,
            port=port,
            command=["-m", "tests.security.switched_server", *options],
            DJANGO_SETTINGS_MODULE="bff_project.settings",
            WORKERS="1",
            **({} if url is None else {"DATABASE_URL": url}),
        )
        try:
            gateway.await_ready()
            ratios = {who: Reader(gateway, who).ratio(turns) for who, turns in (("member", 500), ("admin", 50))}
        finally:
            gateway.remove()

    print(f"ratios: {ratios}")
    assert ratios["member"] <= 1.10
    # Each of staff's answers is a transaction of its own here, since nobody asks beside them.
    assert ratios["admin"] <= 6
