"""A read that has less time left than its upstream's answers take is not tried, and says so; faults of game days."""

from collections.abc import Callable, Iterator

import pytest

from gateway_clients.errors import GatewayError, NotEnoughTimeError, UpstreamServerError, UpstreamTimeoutError
from gateway_clients.gateway import Gateway
from gateway_clients.instrumentation.hooks import CallRecord
from gateway_clients.instrumentation.rates import rate_book
from gateway_clients.pipeline.trace import Step
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.resilience.faults import FAULTS, InjectedFault
from tests.support.calls import call_of, write_of
from tests.support.upstream import RawUpstream, answer, says


@pytest.fixture
def claims(upstreams: Callable[..., list[RawUpstream]]) -> Iterator[RawUpstream]:
    (made,) = upstreams(claims=says(answer(b'{"value": "new"}')))
    yield made
    FAULTS.replace({})


def saw(seconds: float, *, times: int = 5) -> None:
    for _ in range(times):
        rate_book().hear(CallRecord(service="claims", operation="x", outcome="ok", seconds=seconds, state="asked"))


def gateway(seconds: float = 3.0) -> Gateway:
    return Gateway(request_id="request-of-a-test", deadline=Deadline.after(seconds))


def test_with_less_time_than_the_median_it_is_not_tried(claims: RawUpstream) -> None:
    saw(0.9)
    asking = gateway(0.5)
    pending = asking.call(call_of("claims"))

    with pytest.raises(NotEnoughTimeError):
        pending.require()
    assert claims.asked == []
    ((_, _, _, detail),) = [each for each in asking.fan_out.origin.trace.steps if each[2] is Step.SKIPPED]
    assert detail.endswith("half of the answers take 808 ms")
    assert asking.timings[0].state == "not_enough_time"
    assert upstream("claims").breaker.last_answer is None


@pytest.mark.parametrize(("times", "seconds"), [(4, 0.9), (5, 0.2)])
def test_without_a_median_or_with_time_enough_it_is_tried(claims: RawUpstream, times: int, seconds: float) -> None:
    saw(seconds, times=times)
    gateway(0.5).call(call_of("claims")).require()
    assert len(claims.asked) == 1


def test_a_write_is_tried_whatever_others_took(claims: RawUpstream) -> None:
    saw(0.9)
    gateway(0.5).call(write_of("claims")).require()
    assert len(claims.asked) == 1


def test_the_ledger_of_a_call_says_what_was_planned_spent_and_left(claims: RawUpstream) -> None:
    asking = gateway(1.5)
    asking.call(call_of("claims")).require()

    (timing,) = asking.timings
    assert timing.planned_ms is not None
    assert timing.left_ms is not None
    assert 1400 < timing.planned_ms <= 1500
    assert timing.left_ms <= timing.planned_ms - timing.milliseconds + 1


@pytest.mark.parametrize(("kind", "error"), [("error", UpstreamServerError), ("hang", UpstreamTimeoutError)])
def test_a_fault_stands_in_for_the_upstream_and_its_breaker_counts_it(
    claims: RawUpstream, kind: str, error: type[GatewayError]
) -> None:
    FAULTS.replace({"claims": InjectedFault(kind=kind, percent=100, until=4e9)})

    with pytest.raises(error):
        gateway(0.3).call(call_of("claims")).require()
    assert claims.asked == []
    assert (upstream("claims").breaker.fail_counter > 0) is (kind == "error")


def test_a_delay_comes_before_the_call(claims: RawUpstream) -> None:
    FAULTS.replace({"claims": InjectedFault(kind="delay", percent=100, until=4e9, delay_seconds=0.15)})
    asking = gateway()
    asking.call(call_of("claims")).require()

    assert asking.timings[0].milliseconds >= 150
    assert len(claims.asked) == 1


@pytest.mark.parametrize(("percent", "until"), [(100, 1.0), (0, 4e9)])
def test_a_fault_that_is_over_or_hits_nobody_does_nothing(claims: RawUpstream, percent: int, until: float) -> None:
    FAULTS.replace({"claims": InjectedFault(kind="error", percent=percent, until=until)})
    gateway().call(call_of("claims")).require()
    assert len(claims.asked) == 1
