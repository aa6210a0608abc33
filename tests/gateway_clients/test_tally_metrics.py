"""What a process tallies is counted by Prometheus, each name by its own counter."""

import ast
import re
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from gateway_clients.conf import SERVICES
from gateway_clients.instrumentation.metrics import PrometheusMetrics
from gateway_clients.instrumentation.tally_metrics import NOT_COUNTED, TallyMetrics
from tests.docs.pages import syntax_trees

NAME: Final = re.compile(r"^([a-z]+)\|")


def tallied_names() -> set[str]:
    """The first parts of all texts in the code that look like a tally's name, such as `cache|`."""
    texts = {
        node.value
        for tree in syntax_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {match[1] for text in texts if (match := NAME.match(text))}


def test_counts_are_added_to_the_counter_of_their_name() -> None:
    registry = CollectorRegistry()
    counted = TallyMetrics(registry)
    counted.add({"view|/graphql|whole": 2, "cache|claims|hit": 3, "uses|/graphql|claims": 1, "nonsense|x": 1})
    counted.add({"view|/graphql|whole": 1, "retry|claims": 1})
    lines = generate_latest(registry).decode().splitlines()

    assert 'views_total{outcome="whole",route="/graphql"} 3.0' in lines
    assert 'cache_lookups_total{data_class="claims",outcome="hit"} 3.0' in lines
    assert 'call_retries_total{service="claims"} 1.0' in lines
    assert not any("nonsense" in line or "uses" in line for line in lines)


def test_a_breakers_first_move_is_one_that_prometheus_sees() -> None:
    counted = PrometheusMetrics()
    lines = counted.exposition().decode().splitlines()

    for service in SERVICES:
        for name in ("breaker_transitions_total", "upstream_breaker_changes_total"):
            assert f'{name}{{service="{service}",state="open"}} 0.0' in lines


def test_every_name_that_is_tallied_has_a_counter_or_a_reason_for_none() -> None:
    assert tallied_names() == TallyMetrics(CollectorRegistry()).names | NOT_COUNTED
