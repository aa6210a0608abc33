"""Healthy upstreams serve a crowd whole, those that hang hold up nobody else, and overload costs no served answer."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from sandbox.testing import Sandbox
from tests.load.conftest import Start
from tests.support.crowd import Ask, arrivals, crowd
from tests.support.gateway import Reply, RunningGateway
from tests.support.paced_upstreams import PacedUpstreams, paced_upstreams
from tests.support.redis_server import RedisServer
from tests.support.shipped_nginx import ShippedNginx
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim

pytestmark = pytest.mark.alone

ANSWER_SECONDS: Final = 0.05
RUN_SECONDS: Final = 3.0
#: Seconds until a crowd that begins all at once is answered as fast as it asks.
RAMP_SECONDS: Final = 1.5


@pytest.fixture(scope="module")
def services() -> Iterator[PacedUpstreams]:
    with paced_upstreams(answer_seconds=ANSWER_SECONDS) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, services: PacedUpstreams) -> Iterator[RunningGateway]:
    """With default settings and a Redis of its own, and warm."""
    directory: Path = tmp_path_factory.mktemp("crowd")
    redis_server = RedisServer()
    redis_server.start()
    running = RunningGateway(directory, redis_url=redis_server.url, upstreams=services.urls)
    running.await_ready()
    answered(dashboards_of(running, "warm"), readers=16, seconds=2.0)
    yield running
    running.remove()
    redis_server.remove()


def dashboards_at(port: int, headers: Mapping[str, str], run: str) -> Callable[[int], Ask]:
    """Each reader asks for another member's, whom nobody has asked for."""
    return lambda number: Ask(port, f"/api/v1/dashboard/m-{run}-{number}", headers)


def dashboards_of(gateway: RunningGateway, run: str) -> Callable[[int], Ask]:
    """Those of a gateway, as an admin reads them."""
    return dashboards_at(gateway.port, gateway.headers_of("admin"), run)


class Answered(NamedTuple):
    """What was answered; of that `steady` in so many seconds, once the crowd had got going."""

    replies: list[Reply]
    steady: list[Reply]
    seconds: float

    @property
    def per_second(self) -> float:
        """How many answers came in a second by then."""
        return len(self.steady) / self.seconds


def answered(ask_of: Callable[[int], Ask], *, readers: int, seconds: float) -> Answered:
    """Reads until the crowd has got going, and for so many seconds more."""
    with crowd(ask_of, readers=readers) as running:
        start = time.monotonic() + RAMP_SECONDS
        wait_until(lambda: time.monotonic() > start + seconds, seconds=RAMP_SECONDS + seconds + 10)
        end = time.monotonic()
    assert running.failures == []
    done = [timed for timed in running.timed if timed.ended < end]
    steady = [timed.reply for timed in done if timed.ended >= start]
    return Answered([timed.reply for timed in done], steady, end - start)


def kinds_of(replies: Sequence[Reply]) -> Counter[tuple[int, object]]:
    """How many answers there are of each status and code, or of each status and whether they are whole."""
    return Counter(
        (reply.status, reply.json["meta"]["complete"] if reply.status == 200 else reply.code) for reply in replies
    )


@pytest.mark.long
@pytest.mark.parametrize("readers", [64, 128, 256])
def test_a_crowd_at_healthy_upstreams_is_served_whole(gateway: RunningGateway, readers: int) -> None:
    few = answered(dashboards_of(gateway, f"few-{readers}"), readers=16, seconds=RUN_SECONDS)
    many = answered(dashboards_of(gateway, f"many-{readers}"), readers=readers, seconds=RUN_SECONDS)

    assert set(kinds_of(few.replies)) == {(200, True)}
    assert set(kinds_of(many.replies)) == {(200, True)}
    assert many.per_second >= 0.95 * few.per_second


@pytest.mark.long
@pytest.mark.parametrize(
    "hanging",
    [("member", "notification"), ("member", "notification", "payment", "document")],
    ids=["two", "four"],
)
def test_submissions_and_reads_of_others_go_on_beside_upstreams_that_hang(
    start: Start, sandbox: Sandbox, hanging: tuple[str, ...]
) -> None:
    gateway = start(BREAKER_OPEN_SECONDS="1")
    headers = gateway.headers_of("admin")
    for service in hanging:
        sandbox.fault(service, "hang")

    def submit(number: int) -> Reply:
        body, key = json.dumps(a_claim()).encode(), {"Idempotency-Key": f"beside-{number}"}
        return gateway.ask(
            "POST", "/api/v1/claims", headers={**headers, **key, "Content-Type": "application/json"}, body=body
        )

    def profile_of(number: int) -> Ask:
        return Ask(gateway.port, f"/api/v1/members/m-{number % 300 + 1}", {**headers, "Cache-Control": "no-cache"})

    with crowd(profile_of, readers=64, patience_seconds=0.1) as running:
        wait_until(lambda: len(running.timed) > 64, seconds=20)
        submitted = [submit(number) for number in range(20)]
        read = [gateway.get(f"/api/v1/claims/m-{number}") for number in range(1, 21)]

    assert [reply.status for reply in submitted] == [201] * 20
    assert [reply.status for reply in read] == [200] * 20
    assert running.failures == []


PLACES_SECONDS: Final = 0.2
BEYOND_SECONDS: Final = 10.0
#: Until then the queues fill.
SETTLED_SECONDS: Final = 3.0


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 2], ids=["one gateway", "two behind nginx"])
def test_three_times_the_peak_costs_nothing_of_what_is_served(
    tmp_path: Path, redis_server: RedisServer, count: int
) -> None:
    """Places at the upstreams set the peak: five reads at a time of 0.2 s for each gateway.

    A view gives up sections before it is shed, so that more views are served, not all of them whole.
    """
    with paced_upstreams(answer_seconds=PLACES_SECONDS) as slow, ExitStack() as stack:
        gateways = list[RunningGateway]()
        for _ in range(count):
            gateways.append(
                RunningGateway(
                    tmp_path,
                    redis_url=redis_server.url,
                    upstreams=slow.urls,
                    database=gateways[0].database if gateways else None,
                    WORKERS="1",
                    BULKHEAD_LIMIT="6",
                )
            )
            stack.callback(gateways[-1].remove)
            gateways[-1].await_ready()
        behind = [gateway.port for gateway in gateways]
        # All come from one address here.
        nginx = ShippedNginx(tmp_path, behind, changes={"limit_conn requests 256": "limit_conn requests 4096"})
        port = behind[0] if count == 1 else stack.enter_context(nginx).port
        headers = gateways[0].headers_of("admin")
        answered(dashboards_at(port, headers, "warm"), readers=8 * count, seconds=2.0)
        at_peak = answered(dashboards_at(port, headers, "peak"), readers=16 * count, seconds=5.0)
        peak = at_peak.per_second
        began = time.monotonic()
        timed = arrivals(dashboards_at(port, headers, "beyond"), per_second=3 * peak, seconds=BEYOND_SECONDS)

    settled = [each.reply for each in timed if began + SETTLED_SECONDS <= each.ended < began + BEYOND_SECONDS]
    seconds, kinds = BEYOND_SECONDS - SETTLED_SECONDS, kinds_of([each.reply for each in timed])
    assert set(kinds_of(at_peak.replies)) == {(200, True)}
    assert sum(reply.status == 200 for reply in settled) / seconds >= 0.95 * peak
    assert kinds[200, True] > 0
    assert set(kinds) <= {(200, True), (200, False), (503, "overloaded")}
    partial = [each.reply.json["meta"]["sections"] for each in timed if each.reply.status == 200]
    assert {section["error"] for sections in partial for section in sections.values() if "error" in section} <= {
        "overloaded"
    }
