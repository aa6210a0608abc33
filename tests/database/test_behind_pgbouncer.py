"""The gateway behind PgBouncer in transaction mode, with one server connection for all its threads."""

import json
import uuid

import pytest

from tests.database.conftest import Start, holding
from tests.support.crowd import Ask, all_at_once
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim
from tests.writes.servers import pgbouncer


@pytest.mark.long
@pytest.mark.alone
def test_reads_and_writes_work_and_a_lock_is_waited_for_no_longer_than_a_budget(
    start: Start, database_url: str
) -> None:
    with pgbouncer(database_url) as url:
        gateway = start(DATABASE_URL=url, WORKERS="1")
        refresh = json.dumps({"refresh_token": gateway.sign_in("admin").json["refresh_token"]}).encode()
        headers = {"Content-Type": "application/json"}
        reads = all_at_once([Ask(gateway.port, "/api/v1/dashboard/m-1", gateway.headers_of())] * 20)
        claim = json.dumps(a_claim()).encode()

        def submit() -> int:
            own = gateway.headers_of("admin", Idempotency_Key=uuid.uuid4().hex, Content_Type="application/json")
            return gateway.ask("POST", "/api/v1/claims", headers=own, body=claim).status

        assert {reply.status for reply in reads} == {200}
        assert gateway.ask("POST", "/api/v1/auth/refresh", headers=headers, body=refresh).status == 200
        assert submit() == 201
        # An admin's read waits for its audit row, and the one connection for the lock, so that the breaker's probe has
        # no answer either.
        with holding(database_url, "LOCK TABLE gateway_clients_auditchain IN ACCESS EXCLUSIVE MODE"):
            refused = gateway.get("/api/v1/dashboard/m-1")
        assert (refused.status, refused.seconds < 3.5) == (503, True)
        wait_until(lambda: gateway.get("/api/v1/dashboard/m-1").status == 200, seconds=10)
