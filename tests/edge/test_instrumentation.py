"""What observes the gateway: it counts and logs, and never fails a request."""

import json
import logging
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from structlog.testing import capture_logs

from gateway_clients import instrumentation
from gateway_clients.instrumentation import CallRecord, DriftRecord, Record
from gateway_clients.instrumentation.histograms import DeferredHistogram
from gateway_clients.instrumentation.logs import JsonFormatter, log_record, request_id
from gateway_clients.instrumentation.metric_families import SECONDS
from gateway_clients.instrumentation.metrics import Metrics, PrometheusMetrics, metrics
from gateway_clients.pipeline.call_report import fields_of_omitted
from gateway_clients.services.payload_parser import page
from tests.support.calls import ThingPayload
from tests.support.waiting import wait_until


def _without_times(registry: CollectorRegistry) -> list[bytes]:
    return [line for line in generate_latest(registry).splitlines() if b"_created{" not in line]


DRIFT = DriftRecord(service="claims", operation="listClaims", fields=("items[].amount",), omitted=2)
RECORD = CallRecord(service="claims", operation="getClaim", outcome="upstream_timeout", seconds=2.0, state="stale")


def test_a_hook_is_told_of_calls_until_it_is_removed() -> None:
    seen: list[Record] = []
    remove = instrumentation.observe(seen.append)
    instrumentation.tell(RECORD)
    remove()
    instrumentation.tell(RECORD)

    assert seen == [RECORD]


def test_a_hook_that_fails_fails_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_record: Record) -> None:
        raise ValueError("broken hook")

    seen: list[Record] = []
    removals = [instrumentation.observe(fail), instrumentation.observe(seen.append)]
    instrumentation.tell(RECORD)
    for remove in removals:
        remove()

    assert seen == [RECORD]
    assert "a hook failed" in caplog.text


def test_calls_and_requests_are_counted_by_the_names_of_the_api() -> None:
    counted = PrometheusMetrics()
    counted.call_finished(RECORD)
    counted.call_finished(RECORD)
    counted.request_finished(method="GET", route="/api/v1/dashboard/<id:member_id>", status=200, seconds=0.2)
    counted.request_finished(method="HACK", route="unmatched", status=404, seconds=0.2)
    text = counted.exposition().decode()

    assert (
        'service_call_duration_seconds_count{method="getClaim",outcome="upstream_timeout",service="claims"} 2.0' in text
    )
    assert (
        'http_request_duration_seconds_count{method="GET",route="/api/v1/dashboard/<id:member_id>",status="200"} 1.0'
        in text
    )
    assert 'method="OTHER",route="unmatched",status="404"' in text


def test_what_is_counted_later_is_what_prometheus_would_have_counted_at_once() -> None:
    registries = [CollectorRegistry(), CollectorRegistry()]
    at_once, whole = (Histogram("h", "Some.", ("a", "b"), buckets=SECONDS, registry=each) for each in registries)
    later = DeferredHistogram(whole, sleep=lambda _: threading.Event().wait())
    for labels, several in {("x", 1): [0.0, 0.004, 0.005, 0.0051, 11.0, 0.1], ("y", 2): [10.0, 10.1, 3]}.items():
        for seconds in several:
            at_once.labels(*labels).observe(seconds)
            later.observe(labels, seconds)
    before = generate_latest(registries[1])
    later.settle()

    assert b"h_count" not in before
    assert _without_times(registries[1]) == _without_times(registries[0])


def test_what_was_put_aside_is_counted_by_a_thread() -> None:
    registry = CollectorRegistry()
    later = DeferredHistogram(Histogram("h", "Some.", ("a",), buckets=SECONDS, registry=registry))
    for _ in range(3):
        later.observe(("x",), 0.1)

    wait_until(lambda: registry.get_sample_value("h_count", {"a": "x"}) == 3)


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")


def test_a_thread_that_could_not_start_is_started_by_the_next_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    later = DeferredHistogram(Histogram("h", "Some.", ("a",), buckets=SECONDS, registry=registry))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        later.observe(("x",), 0.1)
    later.observe(("x",), 0.1)

    wait_until(lambda: registry.get_sample_value("h_count", {"a": "x"}) == 2)


def test_what_cannot_be_counted_is_logged_and_what_comes_later_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    later = DeferredHistogram(Histogram("h", "Some.", ("a",), buckets=SECONDS, registry=registry))
    later.observe(("x", "one label too many"), 0.1)
    wait_until(lambda: "durations were not counted" in caplog.text)

    later.observe(("x",), 0.1)
    wait_until(lambda: registry.get_sample_value("h_count", {"a": "x"}) == 1)


def test_a_forked_process_counts_its_own_with_a_thread_of_its_own() -> None:
    registry = CollectorRegistry()
    later = DeferredHistogram(Histogram("h", "Some.", ("a",), buckets=SECONDS, registry=registry))
    later.observe(("x",), 0.1)
    wait_until(lambda: registry.get_sample_value("h_count", {"a": "x"}) == 1)

    child = os.fork()
    if child == 0:
        status = 1
        with suppress(BaseException):
            later.observe(("x",), 0.1)
            wait_until(lambda: registry.get_sample_value("h_count", {"a": "x"}) == 2)
            status = 0
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_answers_that_drift_are_counted_by_field_and_by_items_left_out() -> None:
    counted = PrometheusMetrics()
    counted.answer_drifted(DRIFT)
    text = counted.exposition().decode()

    assert 'drift_total{field="items[].amount",method="listClaims",service="claims"} 1.0' in text
    assert 'drift_total{field="(item)",method="listClaims",service="claims"} 2.0' in text


def test_an_item_that_was_left_out_is_counted_once() -> None:
    parse = page(ThingPayload)
    parsed = parse(b'{"items": [{"id": "t-2", "value": 5}, {"id": "t-1", "value": "v"}], "total": 2}')
    counted = PrometheusMetrics()
    counted.answer_drifted(
        DriftRecord(
            service="claims",
            operation="listClaims",
            fields=parsed.drift,
            omitted=parsed.omitted,
            fields_of_omitted=fields_of_omitted(parsed),
        )
    )
    lines = [line for line in counted.exposition().decode().splitlines() if line.startswith("upstream_answer_drift_to")]

    assert parsed.drift == ("items[].value", "items[]")
    assert lines == ['upstream_answer_drift_total{field="(item)",method="listClaims",service="claims"} 1.0']


def test_answers_that_drift_are_logged_without_their_values() -> None:
    with capture_logs() as lines:
        log_record(DRIFT)

    assert [(line["event"], line["fields"], line["omitted"]) for line in lines] == [
        ("answer_drifted", ("items[].amount",), 2)
    ]


def test_metrics_can_be_turned_off(settings: Any) -> None:
    settings.ENABLE_METRICS = False
    off = metrics()
    off.call_finished(RECORD)

    assert type(off) is Metrics
    assert off.exposition() == b""


@pytest.mark.django_db
@pytest.mark.urls("tests.edge.sample_urls")
def test_each_request_is_one_line_without_personal_data(signed_in: Any, capsys: Any) -> None:
    client: Client = signed_in(member_id="m-1", name="Siti")
    capsys.readouterr()
    client.get("/api/v1/sample/m-1?q=secret", headers={"X-Request-ID": "request-12345"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [each for each in lines if each["event"] != "audit.head"]
    time, ms, account = line.pop("time"), line.pop("ms"), line.pop("account")

    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/api/v1/sample/<id:member_id>",
        "status": 200,
        "request_id": "request-12345",
    }
    assert datetime.fromisoformat(time).tzinfo == UTC
    assert 0 < ms < 10_000
    assert account.isdigit()


def test_a_failed_call_is_logged_and_a_good_one_is_not() -> None:
    with capture_logs() as lines:
        log_record(RECORD)
        log_record(CallRecord(service="claims", operation="getClaim", outcome="ok", seconds=0.1, state="fresh"))

    assert [(line["event"], line["service"], line["outcome"], line["ms"]) for line in lines] == [
        ("call_failed", "claims", "upstream_timeout", 2000.0)
    ]


def test_the_standard_librarys_logs_are_json_lines_with_the_request_id() -> None:
    token = request_id.set("request-12345")
    record = logging.makeLogRecord({"name": "django", "levelname": "ERROR", "msg": "a %s", "args": ("line\nbreak",)})
    line = JsonFormatter().format(record)
    request_id.reset(token)

    assert "\n" not in line
    assert {name: json.loads(line)[name] for name in ("level", "logger", "event", "request_id")} == {
        "level": "error",
        "logger": "django",
        "event": "a line\nbreak",
        "request_id": "request-12345",
    }
