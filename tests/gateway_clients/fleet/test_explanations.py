"""Which requests are explained, and how they are kept: sealed, within bounds, for a while."""

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.fleet.explanations import MOST_BYTES, CallExplained, Explanation, StepExplained, packed
from gateway_clients.fleet.pulse import Pulse
from gateway_clients.fleet.sampler import BURST, PROCESS_BURST, Kind, Sampler

MakePulse = Callable[[], Pulse]
ROUTE = "/api/v1/members/<id:member_id>/dashboard"


def explanation(request_id: str, **more: Any) -> Explanation:
    given = {
        "at": time.time(),
        "kind": "partial",
        "method": "GET",
        "route": ROUTE,
        "status": 200,
        "spent_ms": 120.0,
        "budget_ms": 3000.0,
    }
    return Explanation(request_id=request_id, **{**given, **more})


def keep(pulse: Pulse, *explanations: Explanation) -> None:
    for each in explanations:
        pulse.explain(each)
    pulse.beat()


def test_an_explanation_is_found_by_its_request_and_listed(make_pulse: MakePulse) -> None:
    pulse = make_pulse()
    first, second = explanation("a" * 32), explanation("b" * 32, kind="shed", status=503)
    keep(pulse, first)
    keep(pulse, second)

    assert pulse.circuit.run(lambda redis: pulse.explanations.find(redis, "a" * 32)) == first
    assert pulse.circuit.run(lambda redis: pulse.explanations.find(redis, "c" * 32)) is None
    listed = pulse.circuit.run(pulse.explanations.latest)
    assert [(each.request_id, each.kind, each.status, each.route) for each in listed] == [
        ("b" * 32, "shed", 503, ROUTE),
        ("a" * 32, "partial", 200, ROUTE),
    ]
    assert len(pulse.circuit.run(lambda redis: pulse.explanations.latest(redis, kind="shed"))) == 1


def test_what_stands_in_redis_is_sealed_and_lives_for_so_many_hours(
    make_pulse: MakePulse, prefix: str, settings: Settings
) -> None:
    settings.CACHE_ENCRYPTION_KEYS = [base64.b64encode(b"k" * 32).decode()]
    settings.EXPLAIN_HOURS = 2
    pulse = make_pulse()
    keep(pulse, explanation("a" * 32, code="circuit_open"))

    redis = Redis.from_url(settings.REDIS_URL)
    raw, life_ms = redis.get(f"{prefix}:explained:{'a' * 32}"), redis.pttl(f"{prefix}:explained:{'a' * 32}")
    redis.rename(f"{prefix}:explained:{'a' * 32}", f"{prefix}:explained:{'b' * 32}")
    redis.close()
    assert b"circuit_open" not in raw
    assert 7_190_000 < life_ms <= 7_200_000
    assert pulse.circuit.run(lambda redis: pulse.explanations.find(redis, "b" * 32)) is None


def test_the_oldest_go_when_all_take_too_much(make_pulse: MakePulse, settings: Settings) -> None:
    settings.EXPLAIN_MEGABYTES = 0.002
    pulse = make_pulse()
    for number in range(40):
        keep(pulse, explanation(f"request-{number:02}"))

    listed = pulse.circuit.run(pulse.explanations.latest)
    kept = [each.request_id for each in listed]
    assert kept == [f"request-{number:02}" for number in range(39, 39 - len(kept), -1)]
    assert 2 < len(kept) < 20
    gone = pulse.circuit.run(lambda redis: pulse.explanations.find(redis, "request-00"))
    assert gone is None


def test_one_that_is_too_large_loses_its_steps() -> None:
    steps = tuple(StepExplained(float(number), "sent", "x" * 50) for number in range(400))
    call = CallExplained(service="claims", operation="listClaims", state="fresh", steps=steps)
    large = explanation("a" * 32, calls=(call,) * 4)

    assert len(packed(large)) < MOST_BYTES
    assert len(packed(explanation("a" * 32, calls=(call,)))) < 30 * MOST_BYTES


def test_of_an_outage_a_sample_of_each_kind_is_explained() -> None:
    now = 0.0
    sampler = Sampler(clock=lambda: now)
    kept = sum(sampler.wants(Kind.PARTIAL, ROUTE, "circuit_open") for _ in range(1000))
    rare = sampler.wants(Kind.FAILED, ROUTE, "internal_error")
    assert (kept, rare) == (BURST, True)

    all_kept = sum(sampler.wants(Kind.PARTIAL, f"/{number}", "x") for number in range(1000))
    assert all_kept + kept + rare == PROCESS_BURST
    now = 10.0
    assert sampler.wants(Kind.PARTIAL, ROUTE, "circuit_open")


def test_of_those_of_which_there_is_nothing_to_say_one_in_a_while_is_explained() -> None:
    now = 0.0
    sampler = Sampler(clock=lambda: now)
    assert [sampler.wants(Kind.SAMPLE, ROUTE) for _ in range(3)] == [True, False, False]
    now = 51.0
    assert sampler.wants(Kind.SAMPLE, ROUTE)


@pytest.mark.parametrize("name", ["index", "bytes"])
def test_the_names_of_its_own_records_are_no_requests(make_pulse: MakePulse, name: str) -> None:
    pulse = make_pulse()
    keep(pulse, explanation("a" * 32))
    assert pulse.circuit.run(lambda redis: pulse.explanations.find(redis, name)) is None
