"""The life of one breaker, told with a clock that the test moves."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway_clients.errors import UpstreamBusyError, UpstreamCircuitOpenError
from gateway_clients.resilience.breaker import Breaker, Override
from tests.gateway_clients.resilience.transcript import Story, conf


def test_five_failures_in_a_row_open_it_and_a_good_probe_closes_it() -> None:
    story = Story()
    assert story.calls("+----") == "ccccc"
    assert story.calls("-") == "o"
    assert story.trips == ["claims"]

    refused = story.refusal()
    assert isinstance(refused, UpstreamCircuitOpenError)
    assert refused.retry_after_seconds == 60.0
    story.clock.advance(59.5)
    assert story.refusal().retry_after_seconds == 0.5

    story.clock.advance(0.5)
    probe = story.breaker.admit()
    assert (probe.is_probe, story.state) == (True, "half-open")
    assert story.refusal().retry_after_seconds == 1.0
    probe.succeeded(0.1)
    assert story.state == "closed"
    assert story.breaker.fail_counter == 0
    assert story.calls("----+") == "ccccc"


def test_a_success_in_between_ends_the_run_of_failures() -> None:
    assert Story().calls("----+----+") == "cccccccccc"


def test_four_fifths_failing_with_successes_between_trips_it_at_the_twentieth_call() -> None:
    story = Story()
    assert story.calls("----+" * 3 + "----") == "c" * 19
    assert story.calls("+") == "o"
    assert story.trips == ["claims"]


def test_half_of_twenty_trips_it_and_less_than_half_does_not() -> None:
    assert Story().calls("+-" * 10)[-1] == "o"
    assert Story().calls("+-" * 9 + "++") == "c" * 20


def test_fewer_calls_than_the_minimum_never_trip_it_by_rate() -> None:
    assert Story().calls("+-" * 9 + "-") == "c" * 19


def test_calls_that_left_the_window_no_longer_count() -> None:
    story = Story()
    story.calls("+-" * 9)
    story.clock.advance(11)
    assert story.calls("-+") == "cc"


def test_slow_answers_trip_it_like_failures_and_fast_ones_do_not() -> None:
    assert Story().calls("+" * 20, seconds=1.5) == "c" * 19 + "o"
    assert Story().calls("+" * 20, seconds=1.49) == "c" * 20


def test_outcomes_of_calls_that_began_before_the_trip_change_nothing() -> None:
    story = Story()
    slow_success, slow_failure = story.breaker.admit(), story.breaker.admit()
    story.calls("-----")
    story.clock.advance(60)
    probe = story.breaker.admit()

    slow_success.succeeded(60)
    assert story.state == "half-open"
    slow_failure.failed(60)
    assert story.state == "half-open"
    probe.succeeded(0.1)
    assert (story.state, story.breaker.fail_counter) == ("closed", 0)


def test_failures_of_calls_from_before_the_trip_do_not_trip_it_again_once_it_is_closed() -> None:
    story = Story()
    slow = [story.breaker.admit() for _ in range(30)]
    story.calls("-----")
    story.clock.advance(60)
    assert story.calls("+") == "c"
    for permit in slow:
        permit.failed(61)
    assert (story.state, story.breaker.fail_counter, story.trips) == ("closed", 0, ["claims"])


def test_calls_of_one_generation_share_their_permit_and_a_probe_has_its_own() -> None:
    story = Story()
    before = story.breaker.admit()
    assert story.breaker.admit() is before
    story.calls("-----")
    story.clock.advance(60)
    probe = story.breaker.admit()
    assert (probe.is_probe, probe.generation) == (True, before.generation + 2)
    probe.succeeded(0.1)
    assert story.breaker.admit().generation == before.generation + 3


def test_outcomes_that_say_nothing_of_the_upstream_are_not_counted() -> None:
    story = Story()
    assert story.calls("----~~~~") == "cccccccc"
    assert story.breaker.fail_counter == 4


@pytest.mark.parametrize(
    ("asked", "held"),
    [(None, 1.0), (0.0, 1.0), (7.0, 7.0), (86_400.0, 60.0), (float("inf"), 60.0), (-5.0, 1.0)],
)
def test_a_429_pauses_calls_for_its_retry_after_clamped(asked: float | None, held: float) -> None:
    story = Story()
    story.breaker.pause(asked)
    refused = story.refusal()
    assert isinstance(refused, UpstreamBusyError)
    assert refused.retry_after_seconds == held
    assert story.breaker.paused_seconds == held
    story.clock.advance(held)
    assert story.calls("+") == "c"


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    story = Story()
    story.breaker.pause(30)
    story.breaker.pause(2)
    assert story.refusal().retry_after_seconds == 30.0


def test_forced_open_refuses_and_goes_back_to_where_it_was() -> None:
    story = Story()
    story.breaker.set_override(Override.FORCED_OPEN)
    refused = story.refusal()
    assert isinstance(refused, UpstreamCircuitOpenError)
    assert refused.retry_after_seconds == 60.0
    assert story.trips == []
    story.breaker.set_override(Override.NORMAL)
    assert story.calls("+") == "c"


def test_forced_closed_lets_calls_through_an_open_breaker_and_never_trips() -> None:
    story = Story()
    story.calls("-----")
    story.breaker.set_override(Override.FORCED_CLOSED)
    assert story.calls("-" * 30) == "c" * 30
    story.breaker.suspect()
    assert story.calls("-") == "c"
    assert story.trips == ["claims"]

    story.breaker.set_override(Override.NORMAL)
    assert story.breaker.fail_counter == 0
    assert story.calls("-----") == "cccco"


def test_the_same_override_again_changes_nothing() -> None:
    story = Story()
    story.calls("----")
    story.breaker.set_override(Override.NORMAL)
    assert story.calls("-") == "o"


def test_reset_closes_it_and_forgets_counts_and_pause() -> None:
    story = Story()
    story.calls("-----")
    story.breaker.pause(30)
    story.breaker.reset()
    assert (story.state, story.breaker.paused_seconds, story.breaker.fail_counter) == ("closed", 0.0, 0)
    assert story.calls("----+") == "ccccc"


def test_it_says_how_long_ago_its_state_changed() -> None:
    story = Story()
    story.clock.advance(3)
    story.calls("-----")
    story.clock.advance(7)
    assert story.breaker.changed_seconds_ago == 7.0


def test_call_counts_and_hands_on_what_the_function_raises() -> None:
    story = Story()

    def fail() -> None:
        raise ConnectionError

    for _ in range(5):
        with pytest.raises(ConnectionError):
            story.breaker.call(fail)
    assert story.state == "open"
    calls: list[int] = []
    with pytest.raises(UpstreamCircuitOpenError):
        story.breaker.call(calls.append, 1)
    assert calls == []


def test_call_does_not_blame_the_upstream_for_an_interrupt() -> None:
    story = Story()

    def interrupted() -> None:
        raise KeyboardInterrupt

    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            story.breaker.call(interrupted)
    assert (story.state, story.breaker.fail_counter) == ("closed", 0)


@pytest.mark.alone
def test_twenty_calls_of_100_ms_through_one_breaker_run_side_by_side() -> None:
    breaker = Breaker(conf())
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: None, range(20)))
        started_at = time.monotonic()
        list(pool.map(lambda _: breaker.call(time.sleep, 0.1), range(20)))
        took_seconds = time.monotonic() - started_at
    assert 0.1 <= took_seconds < 0.25


def test_those_who_waited_in_vain_for_anothers_call_count_as_if_they_had_asked() -> None:
    story = Story()
    for _ in range(4):
        story.breaker.witness(1.5)
    assert story.state == "closed"
    story.breaker.witness(1.5)

    assert story.state == "open"
    assert story.trips == ["claims"]


def test_who_waited_for_less_than_a_slow_call_has_seen_nothing() -> None:
    story = Story()
    for _ in range(50):
        story.breaker.witness(1.4)

    assert (story.state, story.breaker.fail_counter) == ("closed", 0)


def test_who_waited_while_it_is_not_closed_changes_nothing() -> None:
    story = Story()
    story.calls("-----")
    story.clock.advance(60)
    probe = story.breaker.admit()
    for _ in range(9):
        story.breaker.witness(2.0)
    probe.succeeded(0.1)

    assert story.state == "closed"


def test_an_upstream_hangs_once_a_call_has_failed_after_as_long_as_a_slow_one_takes() -> None:
    breaker = Breaker(conf(timeout_seconds=2.0, breaker_slow_seconds=1.5))
    seen = []
    for seconds, end in ((0.1, "failed"), (1.6, "succeeded"), (1.5, "failed"), (0.1, "succeeded")):
        getattr(breaker.admit(), end)(seconds)
        seen.append(breaker.is_hanging)

    assert seen == [False, False, True, False]
