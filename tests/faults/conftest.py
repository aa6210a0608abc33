"""One gateway for all faults: its claims service is a raw socket, the others are the sandbox."""

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from redis import Redis

from gateway_clients.cluster.channel import BREAKERS, Channel, Message
from sandbox.testing import Sandbox
from tests.faults import wire
from tests.support.gateway import Reply, RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.upstream import RawUpstream
from tests.support.waiting import wait_until

READ_BUDGET_SECONDS: Final = 1.0
UPSTREAM_TIMEOUT_SECONDS: Final = 0.4
BREAKER_FAILURES: Final = 3
SETTINGS: Final = {
    "WORKERS": "1",
    "READ_BUDGET_SECONDS": str(READ_BUDGET_SECONDS),
    "UPSTREAM_TIMEOUT_SECONDS": str(UPSTREAM_TIMEOUT_SECONDS),
    "UPSTREAM_CONNECT_SECONDS": "0.2",
    "CLAIMS_BREAKER_FAILURES": str(BREAKER_FAILURES),
    "CLAIMS_RETRY_BUDGET": "0",
}


@dataclass(slots=True, kw_only=True)
class Site:
    """The gateway and what is around it."""

    gateway: RunningGateway
    claims: RawUpstream
    sandbox: Sandbox
    redis: "Redis[bytes]"
    healed_at: float = 0.0

    def heal(self) -> None:
        """As at the beginning: the claims service is well, nothing is kept, its breaker is closed."""
        self.claims.say(wire.well)
        self.claims.listen()
        self.sandbox.clear()
        self.redis.flushall()
        self.healed_at = time.time()
        self._reset_breaker()
        self._await_reset()
        wait_until(lambda: self.get("/api/v1/claims/m-1?limit=99").status == 200, seconds=10)
        self.redis.flushall()
        self.claims.hang_up()
        self.claims.forget()

    def _await_reset(self) -> None:
        """Waits until the process has read the reset: it takes back what the breaker counted before it was read."""

        def is_read() -> bool:
            Channel("bff").tell(self.redis, "tests", Message(BREAKERS), uuid.uuid4().hex)
            return any(since >= self.healed_at for since in self._changes_of_claims())

        wait_until(is_read, seconds=10)

    def _changes_of_claims(self) -> list[float]:
        reports = [self.redis.get(name) for name in self.redis.scan_iter("bff:breakers:reports:*")]
        return [
            report["since"] for text in reports if text for report in json.loads(text) if report["service"] == "claims"
        ]

    def _reset_breaker(self) -> None:
        """Writes what staff's own reset of a breaker writes; every process reads it within a second."""
        now, revision = datetime.now(UTC).isoformat(sep=" "), uuid.uuid4().hex
        row = ("claims", "normal", "healed", "", "1", now, now, revision)
        with closing(sqlite3.connect(self.gateway.database)) as database, database:
            database.execute(
                "REPLACE INTO gateway_clients_breakeroverride"
                " (service, override, reason, ticket, ordered_by, since, until, revision)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        self.redis.hset("bff:breakers:revisions", "claims", revision)

    def get(self, path: str, **headers: str) -> Reply:
        """Reads as an admin."""
        return self.gateway.get(path, **headers)


@pytest.fixture(scope="package")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The gateway, started once."""
    directory: Path = tmp_path_factory.mktemp("faults")
    server = RedisServer()
    server.start()
    claims = RawUpstream(wire.well)
    with Sandbox() as sandbox:
        upstreams = {**sandbox.urls, "CLAIMS_SERVICE_URL": claims.url}
        gateway = RunningGateway(directory, redis_url=server.url, upstreams=upstreams, **SETTINGS)
        try:
            gateway.await_ready()
            yield Site(gateway=gateway, claims=claims, sandbox=sandbox, redis=Redis.from_url(server.url))
        finally:
            gateway.remove()
            claims.refuse()
            server.remove()


@pytest.fixture
def site(running_site: Site) -> Site:
    """The gateway, with everything well."""
    running_site.heal()
    return running_site
