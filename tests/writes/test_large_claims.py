"""Claims of many items, whose questions are more than there are places at a service. With real processes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.testing import Sandbox
from tests.writes.cluster import Answer, Cluster
from tests.writes.portal import ITEM, a_claim


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started


@pytest.fixture
def cluster(sandbox: Sandbox, tmp_path: Path, django_db_blocker: Any) -> Iterator[Cluster]:
    made = Cluster(sandbox, tmp_path, WORKERS="1", SUBMIT_BUDGET_SECONDS="10")
    with django_db_blocker.unblock():
        yield made
    made.stop()


def test_three_at_once_ask_each_question_once_and_are_answered_in_a_small_head(
    cluster: Cluster, sandbox: Sandbox
) -> None:
    gateway = cluster.gateway()
    sandbox.fault("benefit", "delay", delay_seconds=0.02)
    claim = a_claim(items=[ITEM | {"quantity": number} for number in range(1, 51)])

    def submit(_number: int) -> Answer:
        return gateway.ask("POST", "claims", cluster.tokens[0], claim)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(submit, range(3)))

    assert [answer.status for answer in answers] == [201] * 3
    assert sandbox.calls("benefit").by_operation == {"validateBenefit": 150}
    for answer in answers:
        assert len(answer.headers["server-timing"]) <= 2_000
        assert "busy" not in answer.headers["server-timing"]
