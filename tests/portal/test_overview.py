"""The admin console's first page: claims, upstreams over all processes, the cache; and what it says without Redis."""

import time

import msgspec
import pytest

from gateway_clients.caching.store import default_cache
from gateway_clients.conf import SERVICES
from gateway_clients.instrumentation.hooks import CallRecord
from gateway_clients.instrumentation.rates import CallRates, RateBook, Rates, quantile_ms, together
from gateway_clients.pipeline.fleet_health import fleet_health
from gateway_clients.resilience.breaker_report import BreakerReport
from gateway_clients.resilience.breaker_store import BreakerStore, OwnSnapshot
from gateway_clients.resilience.breaker_sync import BreakerSync
from tests.support.answering import LATE

ADDRESS = "/api/v1/admin/overview"


def a_call(seconds: float = 0.1, outcome: str = "ok", service: str = "claims") -> CallRecord:
    return CallRecord(service=service, operation="listClaims", outcome=outcome, seconds=seconds, state="asked")


def test_all_is_shown(as_, upstreams) -> None:
    answer = as_("admin").get(ADDRESS)

    shown = answer.json()
    assert answer.status_code == 200
    assert list(shown) == ["claims_summary", "upstreams", "cache", "meta"]
    assert shown["claims_summary"]["total"] == 3
    assert [each["name"] for each in shown["upstreams"]] == list(SERVICES)
    assert list(shown["upstreams"][0]) == ["name", "state", "calls_per_second", "error_rate", "p50_ms", "p95_ms"]
    assert list(shown["cache"]) == ["hit_ratio", "entries", "memory_bytes"]
    assert shown["cache"]["memory_bytes"] > 0
    assert shown["meta"]["complete"] is True
    assert upstreams.operations == ["summarizeClaims"]


def test_a_claims_service_that_fails_costs_its_section(as_, upstreams) -> None:
    upstreams.answers["summarizeClaims"] = LATE

    shown = as_("admin").get(ADDRESS).json()

    assert shown["claims_summary"] is None
    assert shown["meta"]["sections"]["claims_summary"]["error"] == "upstream_timeout"
    assert shown["meta"]["sections"]["upstreams"]["state"] == "fresh"


def test_without_redis_the_process_speaks_for_itself(as_, upstreams, monkeypatch) -> None:
    client = as_("admin")
    monkeypatch.setattr(default_cache().circuit, "_is_down", True)

    shown = client.get(ADDRESS).json()

    sections = shown["meta"]["sections"]
    assert (sections["upstreams"]["state"], sections["cache"]["state"]) == ("fallback", "unavailable")
    assert (len(shown["upstreams"]), shown["cache"]) == (8, None)


def test_what_other_processes_say_is_added_and_the_worst_state_shown() -> None:
    circuit = default_cache().circuit
    sharing = BreakerSync(circuit, prefix="overview-test")
    board = BreakerStore(circuit, prefix="overview-test")
    now = time.time()
    for process, state in (("a", "half-open"), ("b", "open")):
        report = BreakerReport(
            service="claims", process=process, state=state, failures=5, since=now, override="normal", paused_seconds=0,
            reported_at=now,
        )  # fmt: skip
        durations = (0,) * 10 + (300,) + (0,) * 37
        rates = Rates({"claims": CallRates(300, 30, durations)}, hits=30, misses=10)
        board.exchange(process, OwnSnapshot(reports=[report], rates=rates))

    seen = fleet_health(sharing)

    claims = next(each for each in seen.upstreams if each.name == "claims")
    assert claims.state == "open"
    assert claims.calls_per_second >= 10.0
    assert claims.error_rate > 0.0
    assert seen.is_whole


@pytest.mark.parametrize(("first", "second", "shown"), [("ok", "failed", "failed"), ("failed", "ok", "ok")])
def test_the_last_answer_is_that_of_the_process_that_called_last(first: str, second: str, shown: str) -> None:
    sharing = BreakerSync(default_cache().circuit, prefix=f"overview-test-{first}")
    board = BreakerStore(default_cache().circuit, prefix=f"overview-test-{first}")
    now = time.time()
    for process, last_answer, seconds_ago in (("a", first, 40), ("b", second, 10), ("c", "none", now)):
        report = BreakerReport(
            service="claims", process=process, state="closed", failures=0, since=now, override="normal",
            paused_seconds=5.0 if process == "a" else 0.0, reported_at=now, last_answer=last_answer,
            answered_at=now - seconds_ago,
        )  # fmt: skip
        board.exchange(process, OwnSnapshot(reports=[report]))

    claims, member, *_ = sorted(fleet_health(sharing).upstreams, key=lambda each: each.name != "claims")

    assert (claims.last_answer, claims.answered_seconds_ago, claims.is_paused) == (shown, pytest.approx(10), True)
    assert (member.last_answer, member.is_paused) == ("none", False)


def test_calls_are_counted_by_how_they_ended() -> None:
    book = RateBook(clock=lambda: 1000.0)
    for outcome in ("ok", "ok", "not_found", "conflict", "upstream_timeout", "upstream_busy", "deadline_exceeded"):
        book.hear(a_call(outcome=outcome))

    rates = book.rates().services["claims"]

    assert (rates.calls, rates.errors) == (5, 1)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    now = 1000.0
    book = RateBook(clock=lambda: now)
    book.hear(a_call())
    book.count_looks(hits=3, misses=1)
    now += 49
    assert book.rates().services["claims"].calls == 1
    now += 12

    assert book.rates() == Rates({}, 0, 0)


@pytest.mark.parametrize(
    ("milliseconds", "share", "low", "high"),
    [
        ([100.0], 0.5, 100, 125),
        ([10.0] * 95 + [1000.0] * 5, 0.95, 10, 12.5),
        ([10.0] * 94 + [1000.0] * 6, 0.95, 1000, 1250),
        ([0.1], 0.5, 1, 1),
    ],
)
def test_a_quantile_is_right_to_a_quarter(milliseconds: list[float], share: float, low: float, high: float) -> None:
    book = RateBook(clock=lambda: 0.0)
    for each in milliseconds:
        book.hear(a_call(seconds=each / 1000))

    found = quantile_ms(book.rates().services["claims"], share)

    assert found is not None
    assert low <= found <= high


@pytest.mark.parametrize(
    ("seconds", "number"),
    [
        (0.0, 0),
        (0.001, 0),
        (0.00100001, 1),
        (0.00125, 1),
        (0.00125001, 2),
        (1.25**20 / 1000, 20),
        (35.6, 47),
        (1e6, 47),
    ],
)
def test_a_duration_is_counted_in_the_first_class_that_is_as_long(seconds: float, number: int) -> None:
    book = RateBook(clock=lambda: 0.0)
    book.hear(a_call(seconds=seconds))

    assert book.rates().services["claims"].durations == tuple(int(each == number) for each in range(48))


def test_rates_of_several_add_up_and_travel_as_json() -> None:
    one = Rates({"claims": CallRates(2, 1, (1, 1)), "member": CallRates(1, 0, (1, 0))}, 3, 4)
    other = msgspec.json.decode(msgspec.json.encode(Rates({"claims": CallRates(3, 0, (0, 3))}, 1, 1)), type=Rates)

    assert together([one, other]) == Rates({"claims": CallRates(5, 1, (1, 4)), "member": CallRates(1, 0, (1, 0))}, 4, 5)
    assert quantile_ms(CallRates(), 0.5) is None


@pytest.mark.parametrize("durations", [(), (0,) * 10 + (2,), (0,) * 10_000 + (2,)])
def test_what_another_version_counts_otherwise_is_added_as_far_as_it_is_known(durations: tuple[int, ...]) -> None:
    book = RateBook()
    book.hear(a_call())
    others = Rates({"claims": CallRates(2, 1, durations)})

    added = together([book.rates(), others]).services["claims"]

    assert (added.calls, added.errors, len(added.durations)) == (3, 1, 48)
