"""What the gateway serves beside upstreams that hang, and beyond its peak; its peers have no writes and no places."""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from sandbox.testing import Sandbox
from tests.support.crowd import Ask, Timed, arrivals, crowd
from tests.support.gateway import Reply, RunningGateway
from tests.support.paced_upstreams import paced_upstreams
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim

#: Those that a profile has beside the ones that a submission and a list of claims need.
HANGING: Final = ("member", "notification", "payment", "document")
#: Readers of profiles, who wait for what hangs.
READERS: Final = 64
#: Places at the upstreams set the peak: five reads at a time of 0.2 s.
PACED: Final = {"WORKERS": "1", "BULKHEAD_LIMIT": "6"}
PACE_SECONDS: Final = 0.2
WARM_UP_READS: Final = 40
#: Until then the queues fill.
SETTLING_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Incident:
    """One scenario: what is done in so many seconds, and what is told of it."""

    name: str
    run: Callable[[Path, float], str]


def quantile_ms(replies: Sequence[Reply], share: float) -> float:
    """The time that this share of the replies took at most, in milliseconds."""
    seconds = sorted(reply.seconds for reply in replies)
    return seconds[max(0, math.ceil(len(seconds) * share) - 1)] * 1000


def _told(kind: str, calm: Sequence[Reply], hung: Sequence[Reply]) -> str:
    rows = [f"p50 {quantile_ms(each, 0.5):7.2f} ms   p99 {quantile_ms(each, 0.99):7.2f} ms" for each in (calm, hung)]
    statuses = ", ".join(f"{number} × {status}" for status, number in sorted(_statuses(hung).items()))
    times = quantile_ms(hung, 0.99) / quantile_ms(calm, 0.99)
    return f"  {kind:11} well: {rows[0]}   hanging: {rows[1]}   p99 {times:.2f} times, {statuses}"


def _statuses(replies: Sequence[Reply]) -> Counter[int]:
    return Counter(reply.status for reply in replies)


def beside(hanging: Sequence[str]) -> Callable[[Path, float], str]:
    """Claims are read and submitted while a crowd wants profiles, of which parts hang."""

    def run(directory: Path, seconds: float) -> str:
        redis = RedisServer()
        redis.start()
        with Sandbox() as sandbox:
            gateway = RunningGateway(directory, redis_url=redis.url, upstreams=sandbox.urls, BREAKER_OPEN_SECONDS="1")
            try:
                gateway.await_ready()
                calm = _read_and_submitted(gateway, seconds)
                for service in hanging:
                    sandbox.fault(service, "hang")
                hung = _read_and_submitted(gateway, seconds)
            finally:
                gateway.remove()
                redis.remove()
        lines = [f"beside {len(hanging)} that hang ({', '.join(hanging)}), {READERS} readers of profiles"]
        lines += [_told(kind, *pair) for kind, *pair in zip(("reads", "submissions"), calm, hung, strict=True)]
        return "\n".join(lines)

    return run


def _read_and_submitted(gateway: RunningGateway, seconds: float) -> tuple[list[Reply], list[Reply]]:
    """Reads of claims and submissions in turn, one after the other, for so many seconds."""
    headers = gateway.headers_of("admin")
    json_headers = {**headers, "Content-Type": "application/json"}
    body, run, read, submitted = json.dumps(a_claim()).encode(), f"{time.time_ns():x}", list[Reply](), list[Reply]()

    def profile_of(number: int) -> Ask:
        return Ask(gateway.port, f"/api/v1/members/m-{number % 300 + 1}", {**headers, "Cache-Control": "no-cache"})

    with crowd(profile_of, readers=READERS, patience_seconds=0.1):
        end = time.monotonic() + seconds
        for number in count():
            read.append(gateway.get(f"/api/v1/claims/m-{number % 300 + 1}", Cache_Control="no-cache"))
            key = {"Idempotency-Key": f"{run}-{number}"}
            submitted.append(gateway.ask("POST", "/api/v1/claims", headers={**json_headers, **key}, body=body))
            if time.monotonic() > end:
                break
    return read, submitted


def past_the_peak(directory: Path, seconds: float) -> str:
    """Three times the arrivals that it can serve."""
    redis = RedisServer()
    redis.start()
    with paced_upstreams(answer_seconds=PACE_SECONDS) as slow:
        gateway = RunningGateway(directory, redis_url=redis.url, upstreams=slow.urls, **PACED)
        try:
            gateway.await_ready()
            headers = gateway.headers_of("admin")

            def dashboards(run: str) -> Callable[[int], Ask]:
                return lambda number: Ask(gateway.port, f"/api/v1/dashboard/m-{run}-{number}", headers)

            with crowd(dashboards("peak"), readers=16) as running:
                wait_until(lambda: len(running.timed) > WARM_UP_READS, seconds=60)
                began = time.monotonic()
                wait_until(lambda: time.monotonic() > began + seconds, seconds=seconds + 10)
                at_peak = _between(running.timed, began, began + seconds)
            peak, began = len(at_peak) / seconds, time.monotonic()
            timed = arrivals(dashboards("beyond"), per_second=3 * peak, seconds=SETTLING_SECONDS + seconds)
        finally:
            gateway.remove()
            redis.remove()
    replies = _between(timed, began + SETTLING_SECONDS, began + SETTLING_SECONDS + seconds)
    served = [reply for reply in replies if reply.status == 200]
    whole = [reply for reply in served if reply.json["meta"]["complete"]]
    shed = [reply for reply in replies if reply.status == 503]
    shares = (
        f"answers served {len(served) / len(at_peak):.2f} of the peak, sections shown"
        f" {_sections(replies) / _sections(at_peak):.2f}, whole answers {len(whole) / len(at_peak):.2f}"
    )
    late = f"; {len(shed)} × 503, their p50 {quantile_ms(shed, 0.5):.1f} ms" if shed else ""
    return f"three times the peak of {peak:.1f} a second\n  {shares}{late}"


def _between(timed: Sequence[Timed], start: float, end: float) -> list[Reply]:
    return [each.reply for each in timed if start <= each.ended < end]


def _sections(replies: Sequence[Reply]) -> int:
    """How many sections came from their upstreams."""
    return sum(state == "fresh" for reply in replies if reply.status == 200 for state in reply.states.values())


INCIDENTS: Final = (
    Incident("hung-1", beside(HANGING[:1])),
    Incident("hung-2", beside(HANGING[:2])),
    Incident("hung-4", beside(HANGING)),
    Incident("peak-x3", past_the_peak),
)
