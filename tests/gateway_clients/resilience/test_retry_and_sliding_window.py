"""The retry budget, and the window that breakers count in."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from gateway_clients.conf import SERVICES
from gateway_clients.pipeline import upstreams
from gateway_clients.resilience.retry import RetryBudget
from gateway_clients.resilience.sliding_window import SlidingWindow


def test_a_long_outage_costs_at_most_eleven_calls_for_ten_wanted() -> None:
    budget, calls = RetryBudget(0.1), 0
    for wanted in range(1, 1001):
        budget.add_call()
        calls += 1 + budget.try_take()
        assert calls <= 1.1 * wanted + 1e-9
    assert calls == 1100


def test_retries_are_not_saved_up_for_the_moment_an_upstream_goes_down() -> None:
    budget = RetryBudget(0.1)
    for _ in range(1000):
        budget.add_call()
    assert [budget.try_take() for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize("has_reserve", [False, True])
def test_a_share_of_nothing_allows_no_retry(has_reserve: bool) -> None:
    budget = RetryBudget(0.0, has_reserve=has_reserve)
    budget.add_call()
    assert not budget.try_take()


def test_a_budget_with_a_reserve_allows_the_first_call_a_retry_and_then_one_in_ten() -> None:
    budget, retried = RetryBudget(0.1, has_reserve=True), []
    for wanted in range(1, 1001):
        budget.add_call()
        if budget.try_take():
            retried.append(wanted)
    assert retried == list(range(1, 1001, 10))


def test_the_first_read_of_a_fresh_process_is_retried_at_each_upstream(settings: Settings) -> None:
    settings.RETRY_BUDGET = 0.1
    for service in SERVICES:
        retries = upstreams.upstream(service).retries
        retries.add_call()
        assert [retries.try_take() for _ in range(2)] == [True, False]


def test_threads_that_ask_at_once_do_not_take_more_than_there_is() -> None:
    budget = RetryBudget(0.1)

    def ask(_: int) -> bool:
        budget.add_call()
        return budget.try_take()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(2000))) <= 200


def test_the_wait_is_chosen_by_chance_up_to_100_ms() -> None:
    assert RetryBudget(0.1, chance=lambda: 0.0).wait_seconds() == 0.0
    assert RetryBudget(0.1, chance=lambda: 0.5).wait_seconds() == 0.05


def test_the_window_counts_the_last_seconds_in_steps_of_a_tenth() -> None:
    window = SlidingWindow(10)
    window.add(100.0, is_bad=True)
    window.add(105.0, is_bad=False)
    assert window.totals(105.0) == (2, 1)
    assert window.totals(109.9) == (2, 1)
    assert window.totals(110.0) == (1, 0)
    assert window.totals(115.0) == (0, 0)


def test_the_window_does_not_mistake_a_bucket_of_an_earlier_turn_for_its_own() -> None:
    window = SlidingWindow(10)
    window.add(100.5, is_bad=True)
    window.add(110.5, is_bad=False)
    assert window.totals(110.5) == (1, 0)
    assert window.totals(1_000_000.0) == (0, 0)


def test_the_window_counts_what_came_after_it_was_last_asked() -> None:
    window = SlidingWindow(10)
    totals = []
    for now in (100.0, 100.5, 101.0, 109.9, 110.0, 104.0, 110.5):
        window.add(now, is_bad=now == 100.5)
        totals.append(window.totals(now))
    assert totals == [(1, 0), (2, 1), (3, 1), (4, 1), (3, 0), (4, 0), (5, 0)]
    assert window.totals(111.0) == (4, 0)


def test_a_cleared_window_is_empty_also_at_the_beginning_of_time() -> None:
    window = SlidingWindow(10)
    window.add(0.0, is_bad=True)
    window.clear()
    assert window.totals(0.0) == (0, 0)
