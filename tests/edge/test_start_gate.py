"""Reads wait at the start gate for their turn; whatever becomes of them, they give their place back."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from gateway_clients.edge.http import admission
from gateway_clients.edge.http.admission import AdmissionMiddleware, thread_places
from gateway_clients.edge.input.request_headers import context_from
from gateway_clients.instrumentation.tally import tally
from gateway_clients.resilience.places import Kind
from gateway_clients.runtime.start_gate import StartGate


def a_read() -> HttpRequest:
    request = RequestFactory().get("/api/v1/x")
    request.__dict__["edge"] = context_from(request)
    return request


def test_a_read_whose_turn_does_not_come_is_shed_and_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StartGate, "enter", lambda _self, _seconds: False)
    tally().take()
    asked: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        asked.append(request)
        return HttpResponse()

    shed = AdmissionMiddleware(answer)(a_read())

    assert (shed.status_code, shed["Retry-After"], asked) == (503, "1", [])
    assert thread_places().taken(Kind.READ) == 0
    assert tally().take() == {"shed|read": 1}


def test_a_read_that_fails_gives_its_place_back_and_lets_the_next_one_start(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = StartGate(1)
    monkeypatch.setattr(admission, "start_gate", lambda: gate)

    def fail(_request: HttpRequest) -> HttpResponse:
        raise SystemExit

    with pytest.raises(SystemExit):
        AdmissionMiddleware(fail)(a_read())

    assert thread_places().taken(Kind.READ) == 0
    assert gate.enter(0.0)
