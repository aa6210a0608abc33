"""What each answer tells the console: how whole it was, which upstreams it used, and when it is explained."""

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from gateway_clients.edge.http import observation
from gateway_clients.edge.http.observation import observe, sampler
from gateway_clients.edge.input.request_headers import context_from
from gateway_clients.errors import GatewayOverloadedError, UpstreamCircuitOpenError, UpstreamNotFoundError
from gateway_clients.fleet.explanations import Explanation
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.trace import Step
from tests.support.calls import call_of

ROUTE = "/api/v1/dashboard/<id:member_id>"
ADDRESS = "/api/v1/dashboard/m-4711"
OPEN = UpstreamCircuitOpenError("payment")
FRESH = Outcome({}, SectionState.FRESH)


class Explained:
    """Stands in for the pulse."""

    process = "1-test"

    def __init__(self) -> None:
        self.kept: list[Explanation] = []

    def explain(self, explanation: Explanation) -> None:
        self.kept.append(explanation)


@pytest.fixture
def pulse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Explained]:
    made = Explained()
    monkeypatch.setattr(observation, "pulse", lambda: made)
    sampler.cache_clear()
    tally().take()
    yield made
    sampler.cache_clear()
    tally().take()


def answer(
    *ends: Outcome[Any] | BaseException,
    status: int = 200,
    body: object = None,
    path: str = ADDRESS,
    seconds: float = 0.0,
) -> None:
    """Observes an answer for which calls to member, payment, … came to this."""
    request = RequestFactory().get(path)
    context = request.__dict__["edge"] = context_from(request)
    context.started_at -= seconds
    request.__dict__["edge_caller"] = SimpleNamespace(roles=frozenset({"member"}))
    for service, end in zip(("member", "payment", "claims"), ends, strict=False):
        pending = PendingCall(call_of(service), lambda: None)
        pending.started_at = time.monotonic()
        context.gateway.fan_out.calls.append(pending)
        context.gateway.fan_out.origin.trace.note(pending.call, Step.SENT)
        if isinstance(end, BaseException):
            pending.fail(end)
        else:
            pending.settle(end)
    raw = json.dumps(body or {}, separators=(",", ":")).encode()
    observe(request, HttpResponse(raw, status=status), context, ROUTE)


def test_a_whole_answer_is_counted_with_the_upstreams_it_used(pulse: Explained) -> None:
    answer(FRESH, FRESH)
    assert tally().take() == {f"view|{ROUTE}|whole": 1, f"uses|{ROUTE}|member": 1, f"uses|{ROUTE}|payment": 1}
    assert [each.kind for each in pulse.kept] == ["sample"]


def test_a_partial_answer_says_who_hurt_it_and_why(pulse: Explained) -> None:
    answer(FRESH, OPEN)
    counts = tally().take()
    assert counts[f"view|{ROUTE}|partial"] == 1
    assert {name for name in counts if name.startswith(("hurt", "why"))} == {
        f"hurt|{ROUTE}|payment",
        "why|payment|circuit_open",
    }
    (explanation,) = pulse.kept
    assert (explanation.kind, explanation.code, explanation.caller) == ("partial", "circuit_open", "member")
    assert [(call.service, call.state) for call in explanation.calls] == [
        ("member", "fresh"),
        ("payment", "circuit_open"),
    ]
    assert [step.what for step in explanation.calls[0].steps] == ["sent"]


@pytest.mark.parametrize(
    ("outcome", "trouble"),
    [
        (Outcome({}, SectionState.STALE, 40.0, error="upstream_timeout"), "stale"),
        (Outcome({}, SectionState.FRESH, drifted=("name",)), "drifted"),
        (Outcome({}, SectionState.FRESH, omitted=1), "omitted"),
    ],
)
def test_what_is_old_or_incomplete_is_partial(pulse: Explained, outcome: Outcome[Any], trouble: str) -> None:
    answer(outcome)
    assert [(each.kind, each.code) for each in pulse.kept] == [("partial", trouble)]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, "overloaded", "shed"),
        (429, "rate_limited", "shed"),
        (503, "OVERLOADED", "shed"),
        (504, "upstream_timeout", "failed"),
        (500, "internal_error", "failed"),
        (422, "upstream_refused", "sample"),
        (404, "not_found", "sample"),
    ],
)
def test_an_error_is_shed_failed_or_nothing_to_speak_of(pulse: Explained, status: int, code: str, kind: str) -> None:
    answer(status=status, body={"status": status, "code": code})
    assert [each.kind for each in pulse.kept] == [kind]


def test_what_is_absent_is_whole_and_what_was_shed_within_an_answer_is_shed(pulse: Explained) -> None:
    answer(UpstreamNotFoundError("member", upstream_status=404))
    answer(GatewayOverloadedError())
    assert [each.kind for each in pulse.kept] == ["sample", "shed"]


def test_a_slow_answer_is_explained(pulse: Explained) -> None:
    answer(FRESH, seconds=1.2)
    (explanation,) = pulse.kept
    assert explanation.kind == "slow"
    assert 1200 <= explanation.spent_ms < 2000


def test_no_address_and_nothing_that_was_answered_is_kept(pulse: Explained) -> None:
    answer(FRESH, OPEN, body={"name": "Siti"})
    text = repr(pulse.kept)
    assert "4711" not in text
    assert "Siti" not in text
    assert "/things/t-1" not in text


def test_in_an_outage_only_so_many_of_a_kind_are_explained(pulse: Explained) -> None:
    for _ in range(50):
        answer(FRESH, OPEN)
    assert len(pulse.kept) == 5
    assert tally().take()[f"view|{ROUTE}|partial"] == 50


@pytest.mark.parametrize("path", ["/health", "/admin/", "/static/x.css", "/health/ready"])
def test_probes_staff_and_files_are_not_counted(pulse: Explained, path: str) -> None:
    answer(FRESH, OPEN, path=path)
    assert pulse.kept == []
    assert tally().take() == {}


def test_switched_off_it_counts_and_explains_nothing(pulse: Explained, settings: Settings) -> None:
    settings.EXPLAIN_HOURS = 0
    answer(FRESH, OPEN)
    assert pulse.kept == []
    assert tally().take()[f"view|{ROUTE}|partial"] == 1
