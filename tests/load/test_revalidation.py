"""Two processes and an entry just past its time: all are answered with it at once, and one asks for it anew."""

from itertools import count
from typing import Final

import pytest

from sandbox.testing import Sandbox
from tests.load.conftest import Start
from tests.support.calls import at_once
from tests.support.gateway import Reply, RunningGateway
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.long]

SLOW_SECONDS: Final = 1.2
PAYMENTS: Final = "/api/v1/members/m-1/payments"
CLAIMS: Final = "/api/v1/claims?provider_id=prov-1"
EXPIRED: Final = "web-bff; hit; ttl=-"


def expired(gateway: RunningGateway, path: str) -> Reply:
    """What staff read when the entry is just past its time."""
    reply: Reply = wait_until(
        lambda: found if (found := gateway.get(path)).headers["cache-status"].startswith(EXPIRED) else None
    )
    return reply


def test_readers_of_two_processes_are_answered_while_one_asks_for_it_anew(start: Start, sandbox: Sandbox) -> None:
    settings = {"CACHE_TTL_SECONDS_PAYMENTS": "0.4", "WORKERS": "1"}
    gateways = [start(**settings), start(**settings)]
    for gateway in gateways:
        gateway.token("admin")
    gateways[0].get(PAYMENTS)
    sandbox.fault("payment", "delay", delay_seconds=SLOW_SECONDS)
    before = sandbox.calls("payment").total
    expired(gateways[0], PAYMENTS)
    turns = count()

    replies = [each.result for each in at_once(12, lambda: gateways[next(turns) % 2].get(PAYMENTS))]

    assert {reply.status for reply in replies} == {200}
    assert {reply.headers["cache-status"].partition("ttl=-")[0] for reply in replies} == {"web-bff; hit; "}
    assert max(reply.seconds for reply in replies) < SLOW_SECONDS / 2
    assert sandbox.calls("payment").total - before == 1


def test_a_provider_waits_for_the_new_one(start: Start) -> None:
    gateway = start(CACHE_TTL_SECONDS_CLAIMS="0.2", CACHE_REVALIDATE_SECONDS_CLAIMS="30", WORKERS="1")
    expired(gateway, CLAIMS)

    replies = [gateway.get(CLAIMS, as_="provider") for _ in range(10)]
    wait_until(lambda: gateway.get(CLAIMS, as_="provider").headers["cache-status"] == "web-bff; fwd=miss")

    assert {reply.status for reply in replies} == {200}
    assert not [reply for reply in replies if "ttl=-" in reply.headers["cache-status"]]
