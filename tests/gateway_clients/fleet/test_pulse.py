"""What processes tell Redis: their sums, who lives, what happened; and what becomes of it without Redis."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from pytest_django import Settings
from redis import Redis

from gateway_clients.conf import SERVICES
from gateway_clients.fleet.counters import COARSE, FINE, hear, total
from gateway_clients.fleet.game_days import NoGameDaysError
from gateway_clients.fleet.pulse import Pulse
from gateway_clients.fleet.timeline import TOLD
from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord
from gateway_clients.instrumentation.metrics import PrometheusMetrics
from gateway_clients.instrumentation.tally import tally
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.resilience.faults import FAULTS, InjectedFault

ROOT = Path(__file__).resolve().parents[3] / "gateway_clients"
MakePulse = Callable[[], Pulse]


def call(outcome: str = "ok", seconds: float = 0.02, service: str = "claims") -> CallRecord:
    return CallRecord(service=service, operation="listClaims", outcome=outcome, seconds=seconds, state="asked")


def counts_of(pulse: Pulse) -> dict[str, int]:
    return total(pulse.circuit.run(lambda redis: pulse.counters.slices(redis, FINE)))


def test_two_processes_are_summed(make_pulse: MakePulse) -> None:
    one, other = make_pulse(), make_pulse()
    for record in (call(), call("upstream_timeout"), call("upstream_busy"), call("overloaded", 0.0)):
        hear(record)
    one.beat()
    for record in (call(), call(seconds=1.6)):
        hear(record)
    other.beat()

    counts = counts_of(one)
    assert {name: count for name, count in counts.items() if "|d" not in name} == {
        "call|claims|calls": 4,
        "call|claims|errors": 1,
        "call|claims|slow": 1,
        "call|claims|refused": 2,
    }
    assert total(one.circuit.run(lambda redis: one.counters.slices(redis, COARSE))) == counts
    living = one.circuit.run(one.processes.living)
    assert {status.process for status in living} == {one.process, other.process}
    assert set(living[0].places) == set(SERVICES)


def test_prometheus_counts_at_each_beat_once_also_what_redis_did_not_take(
    make_pulse: MakePulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse, counted = make_pulse(), PrometheusMetrics()
    monkeypatch.setattr("gateway_clients.fleet.pulse.metrics", lambda: counted)
    tally().add("retry|claims")

    def refuse(*_: object) -> None:
        raise CacheDownError

    with monkeypatch.context() as patch:
        patch.setattr(RedisCircuit, "run", refuse)
        for _ in range(2):
            with pytest.raises(CacheDownError):
                pulse.beat()
    pulse.beat()

    assert 'call_retries_total{service="claims"} 1.0' in generate_latest(counted.registry).decode().splitlines()
    assert counts_of(pulse)["retry|claims"] == 1


def test_what_was_counted_without_redis_is_counted_when_it_is_back(
    make_pulse: MakePulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = make_pulse()
    hear(call())

    def refuse(*_: object) -> None:
        raise CacheDownError

    with monkeypatch.context() as patch:
        patch.setattr(RedisCircuit, "run", refuse)
        with pytest.raises(CacheDownError):
            pulse.beat()
    hear(call())
    pulse.beat()

    assert counts_of(pulse)["call|claims|calls"] == 2
    assert tally().take() == {}


def test_a_breaker_that_moves_stands_in_the_timeline(make_pulse: MakePulse) -> None:
    from gateway_clients.pipeline.upstreams import upstream

    pulse = make_pulse()
    pulse.listen()
    upstream("payment").breaker.open()
    upstream("payment").breaker.close()
    pulse.beat()

    events = pulse.circuit.run(lambda redis: pulse.timeline.latest(redis, 10))
    assert [event.text for event in events if event.service == "payment"][-2:] == [
        "The breaker of payment closed again",
        "The breaker of payment opened",
    ]


def test_log_lines_that_matter_stand_in_the_timeline_and_others_do_not(make_pulse: MakePulse) -> None:
    pulse = make_pulse()
    pulse.timeline.hear_log({"event": "cache.down", "reason": "TimeoutError"})
    pulse.timeline.hear_log({"event": "call_failed", "service": "claims"})
    pulse.beat()

    (event,) = pulse.circuit.run(lambda redis: pulse.timeline.latest(redis, 10))
    assert (event.kind, event.text, event.process) == (
        "cache",
        "Redis stopped answering (TimeoutError)",
        pulse.process,
    )


def test_what_every_process_tells_of_one_override_stands_in_the_timeline_once(make_pulse: MakePulse) -> None:
    ended = {"event": "overrides.ended", "service": "claims", "override": "forced_open"}
    for revision in ("r1", "r1", "r2"):
        process = make_pulse()
        process.timeline.hear_log({**ended, "revision": revision})
        process.beat()

    events = process.circuit.run(lambda redis: process.timeline.latest(redis, 10))
    assert [(event.kind, event.text, event.once) for event in events] == [
        ("overrides", "The override of claims (forced_open) ended by itself", "r2"),
        ("overrides", "The override of claims (forced_open) ended by itself", "r1"),
    ]


def test_every_log_event_of_the_timeline_is_logged_somewhere() -> None:
    source = "".join(path.read_text() for path in ROOT.rglob("*.py") if path.name != "timeline.py")
    told = (ROOT.parent / "claims").rglob("*.py")
    source += "".join(path.read_text() for path in told)
    assert [name for name in TOLD if f'"{name}"' not in source] == []


def test_the_first_process_of_another_version_tells_a_deploy(make_pulse: MakePulse, settings: Settings) -> None:
    pulse = make_pulse()
    for version in ("1.0.0", "1.0.0", "1.1.0"):
        settings.GATEWAY_VERSION = version
        pulse.circuit.run(pulse._tell_version)
    pulse.beat()

    events = pulse.circuit.run(lambda redis: pulse.timeline.latest(redis, 10))
    assert [event.text for event in events] == ["Version 1.1.0 started, after 1.0.0"]


def test_a_field_is_quarantined_until_an_answer_reads_right(make_pulse: MakePulse) -> None:
    one, other = make_pulse(), make_pulse()
    drifted = DriftRecord(
        service="claims",
        operation="listClaims",
        fields=("items[].total_amount",),
        omitted=2,
        shapes={"items[].total_amount": "a text of 7 letters"},
    )
    for pulse in (one, other):
        pulse.drift.hear(call())
        pulse.drift.hear(drifted)
        pulse.beat()

    item, field = sorted(one.circuit.run(one.drift.fields), key=lambda each: each.field)
    assert (item.field, item.times, item.is_quarantined) == ("(item)", 4, True)
    assert (field.field, field.times, field.shape) == ("items[].total_amount", 2, "a text of 7 letters")

    other.drift.hear(call())
    other.beat()
    assert [each.is_quarantined for each in one.circuit.run(one.drift.fields)] == [False, False]


@pytest.mark.parametrize(("environment", "is_hit"), [("development", True), ("staging", True), ("production", False)])
def test_faults_are_taken_over_but_in_production(
    make_pulse: MakePulse, settings: Settings, environment: str, is_hit: bool
) -> None:
    pulse, fault = make_pulse(), InjectedFault(kind="error", percent=100, until=4e9)
    settings.GAME_DAYS = True
    settings.ENVIRONMENT = "staging"
    pulse.circuit.run(lambda redis: pulse.faults.begin(redis, "claims", fault))
    settings.ENVIRONMENT = environment
    pulse.beat()

    assert FAULTS.hit("claims") == (fault if is_hit else None)
    assert FAULTS.hit("member") is None


def test_in_production_no_fault_begins(make_pulse: MakePulse, settings: Settings) -> None:
    pulse = make_pulse()
    settings.GAME_DAYS, settings.ENVIRONMENT = True, "production"
    fault = InjectedFault(kind="error", percent=100, until=4e9)

    with pytest.raises(NoGameDaysError):
        pulse.circuit.run(lambda redis: pulse.faults.begin(redis, "claims", fault))


NO_TEXTS = {
    "processes": b'{"process":"\xff"}',
    "drift": b'{"service":"\xff"}',
    "faults": b'{"kind":"\xff"}',
    "timeline": b'{"kind":"\xff"}',
}


@pytest.mark.parametrize(
    "values",
    [dict.fromkeys(NO_TEXTS, b"\xff"), dict.fromkeys(NO_TEXTS, b"{"), NO_TEXTS],
    ids=["bytes", "no JSON", "no text"],
)
def test_foreign_values_in_redis_break_nothing(
    make_pulse: MakePulse, prefix: str, settings: Settings, values: dict[str, bytes]
) -> None:
    pulse = make_pulse()
    hear(call())
    redis = Redis.from_url(settings.REDIS_URL)
    for kind in ("processes", "drift", "faults"):
        redis.hset(f"{prefix}:fleet:{kind}", "claims", values[kind])
    redis.lpush(f"{prefix}:fleet:timeline", values["timeline"])
    redis.close()
    pulse.beat()

    assert counts_of(pulse)["call|claims|calls"] == 1
    assert len(pulse.circuit.run(pulse.processes.living)) == 1
    assert pulse.circuit.run(pulse.drift.fields) == []
    assert pulse.circuit.run(lambda redis: pulse.timeline.latest(redis, 10)) == []
