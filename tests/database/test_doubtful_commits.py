"""A COMMIT whose answer is lost: what the portal is told comes true, whether or not the database had taken it."""

import json
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.testing import Sandbox
from tests.database.conftest import at_port, port_of
from tests.database.cutting_proxy import CuttingProxy
from tests.support.gateway import ROOT, Reply, RunningGateway
from tests.support.processes import Started, clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim

#: What the transaction says that writes down the sending, and the one that takes it back.
SENDING = b"claims.settle"
FORGETTING = b'DELETE FROM "claims_submission"'
BUDGET = "3"


@pytest.fixture(scope="module")
def cutting(database_url: str) -> Iterator[CuttingProxy]:
    made = CuttingProxy(port_of(database_url))
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(
    cutting: CuttingProxy, database_url: str, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A gateway behind the proxy, and a worker that has a way of its own to the database."""
    directory, redis = tmp_path_factory.mktemp("doubtful"), RedisServer()
    redis.start()
    made = RunningGateway(
        directory,
        redis_url=redis.url,
        upstreams=sandbox.urls,
        database=directory / "none",
        DATABASE_URL=at_port(database_url, cutting.port),
        WORKERS="1",
        SUBMIT_BUDGET_SECONDS=BUDGET,
        CLAIMS_BREAKER_FAILURES="1000",
    )
    environment = {
        **clean_environment(),
        **sandbox.urls,
        "ENVIRONMENT": "development",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis.url,
        "SUBMIT_BUDGET_SECONDS": BUDGET,
    }
    command = [sys.executable, "manage.py", "run_worker"]
    worker = Started(command, cwd=ROOT, environment=environment, log=directory / "worker.log")
    try:
        made.await_ready()
        made.token("admin")
        yield made
    finally:
        for each in (worker, made, redis):
            each.remove()


def submit(gateway: RunningGateway) -> Reply:
    headers = gateway.headers_of("admin", Idempotency_Key=uuid.uuid4().hex, Content_Type="application/json")
    return gateway.ask("POST", "/api/v1/claims", headers=headers, body=json.dumps(a_claim()).encode())


def status_of(gateway: RunningGateway, submission_id: str) -> Any:
    reply = gateway.get(f"/api/v1/claims/submissions/{submission_id}")
    return reply.json["status"] if reply.status == 200 else reply.status


@pytest.mark.parametrize("reaches_server", [True, False])
def test_a_sending_that_may_be_written_down_is_pending_and_happens_once(
    gateway: RunningGateway,
    cutting: CuttingProxy,
    sandbox: Sandbox,
    ask_database: Callable[..., Any],
    reaches_server: bool,
) -> None:
    before = len(sandbox.ledger("claims"))
    cutting.cut_at_commit(SENDING, reaches_server=reaches_server)

    answer = submit(gateway)

    assert (answer.status, answer.json["status"]) == (202, "pending")
    submission_id = answer.json["submission_id"]
    written = "SELECT state FROM claims_submission WHERE id = %s"
    assert ask_database(written, submission_id) == ("sending" if reaches_server else "checking")
    assert len(sandbox.ledger("claims")) == before
    cutting.heal()
    wait_until(lambda: status_of(gateway, submission_id) == "submitted", seconds=30)
    assert len(sandbox.ledger("claims")) == before + 1


@pytest.mark.parametrize("reaches_server", [True, False])
def test_one_that_may_be_forgotten_is_pending_and_happens_once(
    gateway: RunningGateway,
    cutting: CuttingProxy,
    sandbox: Sandbox,
    ask_database: Callable[..., Any],
    reaches_server: bool,
) -> None:
    before = len(sandbox.ledger("claims"))
    sandbox.refuse("claims")
    cutting.cut_at_commit(FORGETTING, reaches_server=reaches_server)

    answer = submit(gateway)

    assert (answer.status, answer.json["status"]) == (202, "pending")
    submission_id = answer.json["submission_id"]
    written = "SELECT count(*) FROM claims_submission WHERE id = %s"
    assert ask_database(written, submission_id) == (0 if reaches_server else 1)
    sandbox.clear()
    cutting.heal()
    wait_until(lambda: status_of(gateway, submission_id) == "submitted", seconds=30)
    assert len(sandbox.ledger("claims")) == before + 1
