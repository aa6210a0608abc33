"""Traces of a running gateway, as a collector gets them and as the upstreams are told of them."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bff_project.processes.ports import free_port
from sandbox.testing import Sandbox
from tests.support.gateway import Reply, RunningGateway
from tests.support.otlp_collector import OtlpCollector, TakenSpan
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

PARENT: Final = "b7ad6b7169203331"
ADDRESS: Final = "/api/v1/dashboard/m-{}"
REQUEST: Final = "GET /api/v1/dashboard/<id:member_id>"
#: Words and numbers of the gateway's own: ids, addresses and addresses of mail have letters and digits mixed, or signs.
BOUNDED: Final = re.compile(r"[A-Za-z_]+|/[a-z0-9_/<>:]*|redis|")
OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0"
QUICK: Final = {"OTEL_BSP_SCHEDULE_DELAY": "50", "WORKERS": "1", "OTEL_SERVICE_NAME": "gateway-of-test"}


@pytest.fixture(scope="module")
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as running:
        yield running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, collector: OtlpCollector, sandbox: Sandbox
) -> Iterator[RunningGateway]:
    redis = RedisServer()
    redis.start()
    running = RunningGateway(
        tmp_path_factory.mktemp("traced"),
        redis_url=redis.url,
        upstreams=sandbox.urls,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_EXPORTER_OTLP_HEADERS="x-tenant=insurer",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        **QUICK,
    )
    running.await_ready()
    running.token("admin")
    yield running
    running.remove()
    redis.remove()


@pytest.fixture(autouse=True)
def well(sandbox: Sandbox) -> None:
    sandbox.clear()


class Traced:
    """A request with a trace of its own."""

    def __init__(self, gateway: RunningGateway, address: str, *, flags: str = "01") -> None:
        self.trace_id = uuid.uuid4().hex
        self.reply: Reply = gateway.get(address, traceparent=f"00-{self.trace_id}-{PARENT}-{flags}")

    def spans_at(self, collector: OtlpCollector) -> list[TakenSpan]:
        """All its spans, its own first; they are sent together."""
        wait_until(lambda: bool(collector.spans(self.trace_id)), seconds=10)
        return collector.spans(self.trace_id)


def test_a_cold_dashboard_is_a_tree_of_its_views_sections_and_attempts(
    gateway: RunningGateway, collector: OtlpCollector, sandbox: Sandbox
) -> None:
    asked = Traced(gateway, ADDRESS.format(1))
    request, *others = asked.spans_at(collector)

    assert asked.reply.status == 200
    tree = collector.tree(asked.trace_id)
    # One to look up, one to store; a section that comes long before the others is stored meanwhile.
    assert tree.count("  redis") in {2, 3}
    assert [line for line in tree if line != "  redis"] == [
        REQUEST,
        "  view member_dashboard",
        "    section benefits_summary",
        "      benefit listMemberBenefits",
        "    section coverage_status",
        "      policy getCoverage",
        "    section member",
        "      member getMember",
        "    section notifications",
        "      notification listNotifications",
        "    section recent_claims",
        "      claims listClaims",
    ]
    assert (request.parent_id, request.kind, request.is_error) == (PARENT, "SERVER", False)
    assert request.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/dashboard/<id:member_id>",
        "http.response.status_code": 200,
        "gateway.outcome": "whole",
    }
    assert request.resource["service.name"] == "gateway-of-test"
    assert request.resource["deployment.environment.name"] == "test"
    assert collector.headers[0]["x-tenant"] == "insurer"
    assert all(request.began_at <= each.began_at <= each.ended_at <= request.ended_at for each in others)

    (attempt,) = (span for span in others if span.name == "claims listClaims")
    told = sandbox.calls("claims").last_headers["listClaims"]
    assert told["traceparent"] == f"00-{asked.trace_id}-{attempt.span_id}-01"
    assert attempt.kind == "CLIENT"
    assert attempt.attributes == {
        "peer.service": "claims",
        "gateway.operation": "listClaims",
        "http.request.method": "GET",
        "http.request.resend_count": 0,
        "gateway.is_probe": False,
    }
    texts = [text for span in [request, *others] for text in span.attributes.values() if isinstance(text, str)]
    assert [text for text in texts if not BOUNDED.fullmatch(text)] == []


@pytest.mark.long
def test_durations_have_the_traces_of_requests_and_calls_as_exemplars(
    gateway: RunningGateway, sandbox: Sandbox
) -> None:
    asked = Traced(gateway, ADDRESS.format(6))
    wanted = {
        'http_request_duration_seconds_bucket{le="': REQUEST.removeprefix("GET "),
        'service_call_duration_seconds_bucket{le="': "listClaims",
    }

    def buckets() -> list[str]:
        reply = gateway.ask("GET", "/metrics", port=gateway.metrics_port, headers={"Accept": OPEN_METRICS})
        assert reply.headers["content-type"].startswith("application/openmetrics-text")
        return [line for line in reply.body.decode().splitlines() if f'# {{trace_id="{asked.trace_id}"}}' in line]

    found = wait_until(lambda: len(lines := buckets()) >= 6 and lines, seconds=5)
    for start, name in wanted.items():
        assert [name in line for line in found if line.startswith(start) and name in line] == [True]
    assert "trace_id" not in gateway.ask("GET", "/metrics", port=gateway.metrics_port).body.decode()


@pytest.mark.long
def test_a_warm_dashboard_is_one_view_of_kept_sections(gateway: RunningGateway, collector: OtlpCollector) -> None:
    Traced(gateway, ADDRESS.format(2))
    asked = Traced(gateway, ADDRESS.format(2))
    spans = asked.spans_at(collector)

    sections = ("benefits_summary", "coverage_status", "member", "notifications", "recent_claims")
    assert [line for line in collector.tree(asked.trace_id) if line != "  redis"] == [
        REQUEST,
        "  view member_dashboard",
        *(f"    section {name}" for name in sections),
    ]
    (view,) = (span for span in spans if span.name.startswith("view"))
    assert view.attributes["gateway.kept_in"] in {"near", "redis"}
    assert {span.attributes["gateway.state"] for span in spans if span.name.startswith("section")} == {"cached"}


@pytest.mark.long
def test_a_section_that_failed_and_its_attempts_say_why(
    gateway: RunningGateway, collector: OtlpCollector, sandbox: Sandbox
) -> None:
    sandbox.fault("notification", "error")
    asked = Traced(gateway, ADDRESS.format(3))
    request, *others = asked.spans_at(collector)

    assert (request.attributes["gateway.outcome"], request.is_error) == ("partial", False)
    (section,) = (span for span in others if span.name == "section notifications")
    attempts = [span for span in others if span.parent_id == section.span_id]
    assert (section.is_error, section.attributes["error.type"]) == (True, "upstream_unavailable")
    assert section.attributes["gateway.state"] in {"fallback", "unavailable"}
    assert [each.attributes["error.type"] for each in attempts] == ["upstream_unavailable"] * 2
    assert "tried again" in section.events


@pytest.mark.long
def test_a_second_try_is_a_second_attempt_of_the_same_section(
    gateway: RunningGateway, collector: OtlpCollector, sandbox: Sandbox
) -> None:
    sandbox.fault("benefit", "error", times=1)
    asked = Traced(gateway, ADDRESS.format(4))
    _, *others = asked.spans_at(collector)

    (section,) = (span for span in others if span.name == "section benefits_summary")
    attempts = sorted((span for span in others if span.parent_id == section.span_id), key=lambda span: span.began_at)
    told = sandbox.calls("benefit").last_headers["listMemberBenefits"]["traceparent"]
    assert asked.reply.states["benefits_summary"] == "fresh"
    assert [(each.attributes["http.request.resend_count"], each.is_error) for each in attempts] == [
        (0, True),
        (1, False),
    ]
    assert told == f"00-{asked.trace_id}-{attempts[1].span_id}-01"
    assert section.is_error is False


@pytest.mark.long
def test_what_the_portal_does_not_sample_is_not_sent(
    gateway: RunningGateway, collector: OtlpCollector, sandbox: Sandbox
) -> None:
    unsampled = Traced(gateway, ADDRESS.format(5), flags="00")
    told = sandbox.calls("claims").last_headers["listClaims"]
    assert told["traceparent"] == f"00-{unsampled.trace_id}-{PARENT}-00"

    Traced(gateway, ADDRESS.format(5)).spans_at(collector)
    assert collector.spans(unsampled.trace_id) == []


@pytest.mark.long
def test_a_collector_that_is_away_costs_spans_that_are_counted_and_nothing_else(
    tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": nowhere, "OTEL_EXPORTER_OTLP_TIMEOUT": "1", **QUICK}
    gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, **settings)
    try:
        gateway.await_ready()
        assert [gateway.get(ADDRESS.format(number)).status for number in range(1, 6)] == [200] * 5
        wait_until(lambda: gateway.metric("trace_spans_total", outcome="dropped") > 50, seconds=20)
        assert gateway.metric("trace_spans_total", outcome="sent") == 0
        assert gateway.output.count('"event":"traces.not_sent"') == 1
        assert "opentelemetry" not in gateway.output
    finally:
        gateway.remove()


@pytest.mark.long
def test_the_last_spans_are_sent_when_the_server_ends(
    tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox, collector: OtlpCollector
) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **QUICK, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, **settings)
    try:
        gateway.await_ready()
        asked = Traced(gateway, ADDRESS.format(1))
        assert gateway.stop() == 0
    finally:
        gateway.remove()

    assert collector.spans(asked.trace_id)


@pytest.mark.long
def test_who_sends_no_traces_passes_on_what_came_and_loads_nothing(
    tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox
) -> None:
    gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, WORKERS="1")
    try:
        gateway.await_ready()
        given = f"00-{'a1' * 16}-{PARENT}-01"
        gateway.get(ADDRESS.format(1), traceparent=given, tracestate="vendor=1,other=2")
        told = sandbox.calls("claims").last_headers["listClaims"]
        assert (told["traceparent"], told["tracestate"]) == (given, "vendor=1,other=2")
        maps = Path(f"/proc/{gateway.workers[0]}/maps").read_text()
        assert "google/_upb" not in maps
    finally:
        gateway.remove()


@pytest.mark.long
def test_with_no_propagators_nobody_is_told_of_a_trace(
    tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox, collector: OtlpCollector
) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_PROPAGATORS": "none", **QUICK}
    gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, **settings)
    try:
        gateway.await_ready()
        sandbox.reset()
        before = {span.span_id for span in collector.spans()}
        asked = Traced(gateway, ADDRESS.format(1))
        told = sandbox.calls("claims").last_headers["listClaims"]
        assert not {"traceparent", "tracestate"} & set(told)
        wait_until(lambda: any(span.name == REQUEST for span in collector.spans() if span.span_id not in before))
        assert collector.spans(asked.trace_id) == []
    finally:
        gateway.remove()
