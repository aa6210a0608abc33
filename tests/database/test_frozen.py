"""PostgreSQL accepts and then says nothing: every answer comes in budget, and the gateway returns by itself."""

import json
import uuid
from collections.abc import Callable

import pytest

from gateway_clients.conf import SERVICES
from sandbox.testing import Sandbox
from tests.database.conftest import Start, at_port
from tests.events.signing import SECRET, body_of, headers_of
from tests.support.crowd import Ask, all_at_once
from tests.support.gateway import ACCOUNTS, Reply, RunningGateway
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim

#: A read's budget of 3 s, and half a second; the two budgets of a write are longer, and they need no more.
IN_BUDGET_SECONDS = 3.5
PROMPT_SECONDS = 0.1

pytestmark = pytest.mark.alone


def post(gateway: RunningGateway, path: str, body: object, **headers: str) -> Reply:
    return gateway.ask(
        "POST", path, headers={"Content-Type": "application/json", **headers}, body=json.dumps(body).encode()
    )


def asks(gateway: RunningGateway, refresh_token: str) -> dict[str, Callable[[], Reply]]:
    """Everything that needs the database."""
    account = ACCOUNTS["admin"]
    event = body_of("member.updated", member_id="m-1")

    return {
        "a dashboard": lambda: gateway.get("/api/v1/dashboard/m-1"),
        "a login": lambda: post(gateway, "/api/v1/auth/login", {"email": account.email, "password": account.password}),
        "a refresh": lambda: post(gateway, "/api/v1/auth/refresh", {"refresh_token": refresh_token}),
        "an event": lambda: gateway.ask(
            "POST", "/api/v1/events", headers={**headers_of(event), "Content-Type": "application/json"}, body=event
        ),
        "a submission": lambda: post(
            gateway,
            "/api/v1/claims",
            a_claim(),
            **gateway.headers_of("admin", Idempotency_Key=uuid.uuid4().hex),
        ),
        "staff's sign-in": lambda: gateway.get("/admin/", as_=None, Cookie=f"sessionid={uuid.uuid4().hex}"),
    }


def test_nobody_waits_longer_than_a_budget_and_health_says_so(start: Start, proxy: TcpProxy, database_url: str) -> None:
    gateway = start(DATABASE_URL=at_port(database_url, proxy.port), EVENTS_WEBHOOK_SECRET=SECRET)
    refresh_token = gateway.sign_in("admin").json["refresh_token"]
    every = asks(gateway, refresh_token)
    assert gateway.get("/api/v1/dashboard/m-1").status == 200
    assert gateway.get("/health").json["checks"]["database"] == "up"

    proxy.freeze()
    first = all_at_once([Ask(gateway.port, "/api/v1/dashboard/m-1", gateway.headers_of())] * 64)
    prompt = [gateway.ask("GET", path) for path in ("/health/live", "/health/ready")]
    health = gateway.ask("GET", "/health")
    refused = {name: ask() for name, ask in every.items()}
    prompt += [gateway.ask("GET", path) for path in ("/health/live", "/health/ready")]

    assert {reply.status for reply in first} == {503}
    assert max(reply.seconds for reply in first) < IN_BUDGET_SECONDS
    assert (health.status, health.json["checks"]["database"], health.json["status"]) == (200, "down", "degraded")
    assert health.seconds < IN_BUDGET_SECONDS
    assert {name: reply.status for name, reply in refused.items()} == dict.fromkeys(refused, 503)
    assert all("retry-after" in reply.headers for reply in refused.values())
    assert max(reply.seconds for reply in refused.values()) < IN_BUDGET_SECONDS
    assert [reply.status for reply in prompt] == [200] * 4
    assert max(reply.seconds for reply in prompt) < PROMPT_SECONDS

    proxy.thaw()
    wait_until(lambda: gateway.get("/api/v1/dashboard/m-1").status == 200, seconds=10)
    assert every["a login"]().status == 200
    assert every["a submission"]().status == 201
    wait_until(lambda: gateway.get("/health").json["checks"]["database"] == "up", seconds=10)


def test_members_go_on_from_memory_with_their_rows_in_the_log_and_others_are_refused(
    start: Start, proxy: TcpProxy, database_url: str, sandbox: Sandbox
) -> None:
    gateway = start(DATABASE_URL=at_port(database_url, proxy.port), WORKERS="1")
    readers = {"member": "/api/v1/dashboard/m-1", "admin": "/api/v1/members/m-1", "provider": "/api/v1/claims?limit=2"}
    for who, path in readers.items():
        assert gateway.get(path, as_=who).status == 200
    proxy.freeze()
    wait_until(lambda: gateway.get("/health", as_=None).json["checks"]["database"] == "down", seconds=10)
    asked = sum(sandbox.calls(service).total for service in SERVICES)

    answers = {who: gateway.get(path, as_=who) for who, path in readers.items()}

    assert {who: answer.status for who, answer in answers.items()} == {"member": 200, "admin": 503, "provider": 503}
    assert sum(sandbox.calls(service).total for service in SERVICES) == asked
    request_id = answers["member"].headers["x-request-id"]
    wait_until(lambda: any('"audit.row"' in line and request_id in line for line in gateway.output.splitlines()))
    proxy.thaw()
    wait_until(lambda: gateway.get(readers["admin"]).status == 200, seconds=10)
