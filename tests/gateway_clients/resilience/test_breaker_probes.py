"""Which call probes while a breaker is half-open, and what comes of its outcome."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway_clients.errors import UpstreamBusyError, UpstreamCircuitOpenError
from gateway_clients.resilience.breaker import Override
from tests.gateway_clients.resilience.transcript import Story
from tests.support.waiting import wait_until


def test_a_failed_probe_opens_it_for_another_minute_and_is_not_a_new_trip() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(60)
    assert story.calls("-") == "o"
    assert story.refusal().retry_after_seconds == 60.0
    assert story.trips == ["claims"]
    story.clock.advance(60)
    assert story.calls("+") == "c"


def test_who_may_probe_early_waits_two_seconds_between_probes_and_others_the_whole_minute() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(1.5)
    with pytest.raises(UpstreamCircuitOpenError) as refused:
        story.breaker.admit(may_probe_early=True)
    assert refused.value.retry_after_seconds == 0.5

    story.clock.advance(0.5)
    assert story.refusal().retry_after_seconds == 58.0
    probe = story.breaker.admit(may_probe_early=True)
    with pytest.raises(UpstreamCircuitOpenError):
        story.breaker.admit(may_probe_early=True)
    probe.failed(0.1)
    assert story.refusal().retry_after_seconds == 60.0

    story.clock.advance(2)
    story.breaker.admit(may_probe_early=True).succeeded(0.1)
    assert story.state == "closed"


def test_what_staff_hold_open_and_an_upstream_that_wants_a_pause_get_no_early_probe() -> None:
    story = Story()
    story.calls("-----")
    story.breaker.set_override(Override.FORCED_OPEN)
    story.clock.advance(30)
    with pytest.raises(UpstreamCircuitOpenError):
        story.breaker.admit(may_probe_early=True)

    story.breaker.set_override(Override.NORMAL)
    story.breaker.pause(20)
    story.clock.advance(10)
    with pytest.raises(UpstreamBusyError):
        story.breaker.admit(may_probe_early=True)


def test_a_slow_but_good_probe_closes_it() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(60)
    story.breaker.admit().succeeded(1.9)
    assert story.state == "closed"


def test_an_old_probe_decides_nothing_after_staff_reset_the_breaker() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(60)
    old_probe = story.breaker.admit()
    story.breaker.reset()
    old_probe.failed(2)
    assert story.state == "closed"


def test_a_probe_that_says_nothing_lets_the_next_call_probe_at_once() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(60)
    story.breaker.admit().ignored()
    assert story.state == "half-open"
    assert story.breaker.admit().is_probe


def test_a_probe_that_never_ends_makes_room_for_another_after_its_time() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(60)
    story.breaker.admit()
    story.clock.advance(2.4)
    story.refusal()
    story.clock.advance(0.1)
    assert story.breaker.admit().is_probe


def test_only_the_end_of_the_probe_under_way_is_told_to_the_other_processes() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(60)
    late = story.breaker.admit()
    story.clock.advance(2.5)
    current = story.breaker.admit()
    late.ignored()
    assert story.ended_probes == []
    current.ignored()
    assert story.ended_probes == ["claims"]


def test_while_another_process_probes_this_one_waits_and_does_not_ask_again_for_each_call() -> None:
    asked: list[str] = []
    story = Story(may_probe=lambda service: bool(asked.append(service)))
    story.calls("-----")
    story.clock.advance(60)
    for _ in range(10):
        refused = story.refusal()
        assert isinstance(refused, UpstreamCircuitOpenError)
        assert refused.retry_after_seconds == 1.0
    assert asked == ["claims"]
    story.clock.advance(1)
    story.refusal()
    assert asked == ["claims", "claims"]


def test_suspicion_makes_a_closed_breaker_probe_and_leaves_an_open_one() -> None:
    story = Story()
    story.breaker.suspect()
    assert story.state == "half-open"
    assert story.calls("+") == "c"

    story.calls("-----")
    story.breaker.suspect()
    assert story.state == "open"
    assert story.trips == ["claims"]


def test_of_fifty_threads_at_half_open_exactly_one_probes() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(60)
    is_probing, may_end = threading.Event(), threading.Event()
    probes: list[int] = []

    def upstream() -> None:
        probes.append(1)
        is_probing.set()
        may_end.wait(5)

    def one_call(_: int) -> str:
        try:
            story.breaker.call(upstream)
        except UpstreamCircuitOpenError:
            return "refused"
        return "probed"

    with ThreadPoolExecutor(50) as pool:
        futures = [pool.submit(one_call, number) for number in range(50)]
        assert is_probing.wait(5)
        wait_until(lambda: sum(future.done() for future in futures) == 49)
        may_end.set()
        results = [future.result() for future in futures]
    assert sorted(results) == ["probed", *["refused"] * 49]
    assert len(probes) == 1
    assert story.state == "closed"
