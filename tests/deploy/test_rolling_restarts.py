"""Two gateways behind nginx as it is shipped restart right behind one another, again and again; nobody notices."""

from pathlib import Path
from typing import Final

import pytest

from sandbox.testing import Sandbox
from tests.support.crowd import Ask, crowd
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.shipped_nginx import ShippedNginx
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.long]

ROUNDS: Final = 5
LEAST_REQUESTS: Final = 20_000
READERS: Final = 12


@pytest.mark.timeout(900)
def test_five_rounds_right_behind_one_another_fail_nobody(tmp_path: Path, redis_server: RedisServer) -> None:
    with Sandbox() as sandbox:

        def started(database: Path | None = None, port: int | None = None) -> RunningGateway:
            gateway = RunningGateway(
                tmp_path,
                redis_url=redis_server.url,
                upstreams={**sandbox.urls, "DRAIN_SECONDS": "1"},
                database=database,
                port=port,
            )
            gateway.await_ready(seconds=90)
            return gateway

        first = started()
        gateways = [first, started(first.database)]
        headers, exits = first.headers_of("admin"), list[int]()
        with ShippedNginx(tmp_path, [gateway.port for gateway in gateways]) as nginx:

            def ask_of(number: int) -> Ask:
                return Ask(nginx.port, f"/api/v1/dashboard/m-{number % 40 + 1}", headers)

            with crowd(ask_of, readers=READERS) as running:
                wait_until(lambda: len(running.timed) > 500, seconds=30)
                for _ in range(ROUNDS):
                    for number, gateway in enumerate(gateways):
                        exits.append(gateway.stop(seconds=60))
                        gateways[number] = started(first.database, gateway.port)
                wait_until(lambda: len(running.timed) >= LEAST_REQUESTS, seconds=600)
        for gateway in gateways:
            gateway.remove()

    assert exits == [0] * 2 * ROUNDS
    assert running.failures == []
    assert {timed.reply.status for timed in running.timed} == {200}
    assert len(running.timed) >= LEAST_REQUESTS
