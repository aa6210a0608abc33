"""After an outage longer than a breaker's open time a submission is settled within seconds of the service's return."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.testing import Sandbox
from tests.support.waiting import wait_until
from tests.writes.cluster import Cluster
from tests.writes.portal import a_claim

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(180)]

COUNT = 6
#: Longer than the bounds below: what is settled by then was settled by a probe that came before its time.
OPEN_SECONDS = 20
OUTAGE_SECONDS = 30
#: From the service's return to the first submission that is settled: a probe every 3 s.
FIRST_SECONDS = 6
#: To the last one: those that are about to be tried come by themselves.
LAST_SECONDS = 15


@pytest.fixture
def services() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def cluster(services: Sandbox, tmp_path: Path, django_db_blocker: Any) -> Iterator[Cluster]:
    made = Cluster(
        services,
        tmp_path,
        WORKERS="1",
        BREAKER_FAILURES=str(COUNT),
        BREAKER_OPEN_SECONDS=str(OPEN_SECONDS),
    )
    with django_db_blocker.unblock():
        yield made
    made.stop()


def test_what_was_open_is_settled_within_seconds(cluster: Cluster, services: Sandbox) -> None:
    gateway, worker = cluster.gateway(is_awaited=False), cluster.worker(is_awaited=False)
    wait_until(lambda: gateway.is_ready() and worker.is_ready(), seconds=60)
    token, before = cluster.tokens[0], len(services.ledger("claims"))
    claims = {f"k-{number}": a_claim(notes=f"k-{number}") for number in range(COUNT)}
    services.fault("claims", "reset", operation="submitClaim")
    with ThreadPoolExecutor(COUNT) as pool:
        sent = list(pool.map(lambda key: gateway.ask("POST", "claims", token, claims[key], key), claims))
    assert [each.status for each in sent] == [202] * COUNT
    assert gateway.ask("POST", "claims", token, a_claim(), "k-late").body["code"] == "circuit_open"
    paths = [f"claims/submissions/{each.body['submission_id']}" for each in sent]

    def settled() -> int:
        return Counter(gateway.ask("GET", path, token).body["status"] for path in paths)["submitted"]

    services.fault("claims", "down")
    back_at = time.monotonic() + OUTAGE_SECONDS
    wait_until(lambda: time.monotonic() >= back_at, seconds=OUTAGE_SECONDS + 5)
    assert settled() == 0

    services.clear()
    back_at = time.monotonic()
    wait_until(settled, seconds=FIRST_SECONDS)
    first_seconds = time.monotonic() - back_at
    wait_until(lambda: settled() == COUNT, seconds=LAST_SECONDS - first_seconds)

    print(f"the first after {first_seconds:.1f} s, the last after {time.monotonic() - back_at:.1f} s")
    assert Counter(entry.body["notes"] for entry in services.ledger("claims")[before:]) == Counter(claims.keys())
