"""What every answer carries, and what portals may ask for in headers."""

import gzip
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.http import BadHeaderError, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from gateway_clients.edge.input.request_headers import context_from, know_empty_query
from gateway_clients.edge.output.headers import OwnHeadersResponse, put, put_missing, value_of
from gateway_clients.edge.output.response_headers import SERVER_TIMING_MAX_LENGTH, finished, server_timing
from gateway_clients.edge.output.responses import cache_status_of, model_answer, sections_answer
from gateway_clients.pipeline.outcome import Freshness, SectionState
from gateway_clients.pipeline.pending_call import CallTiming
from gateway_clients.pipeline.section import Section
from gateway_clients.tracing.finished_request import FinishedRequest
from gateway_clients.tracing.recorder import record_with
from tests.edge.sample_urls import Echo

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.edge.sample_urls")]

SAMPLE = "/api/v1/sample/m-1"


@pytest.fixture
def member(signed_in: Any) -> Client:
    """A member's client."""
    client: Client = signed_in(member_id="m-1")
    return client


def test_every_answer_carries_what_keeps_personal_data_private(member: Client) -> None:
    answer = member.get(SAMPLE)

    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Vary"] == "Authorization, Cookie, Origin, Accept-Encoding, Accept-Language"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Length"] == str(len(answer.content))
    assert "Content-Security-Policy" not in answer


def test_html_carries_a_policy_without_inline_scripts(portal: Client) -> None:
    policy = portal.get("/")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("given", ["portal-request-1", "a" * 64])
def test_a_good_request_id_is_kept(portal: Client, given: str) -> None:
    assert portal.get("/health", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["short", "a" * 65, "has space here", "under_score_1", "line\nbreak"])
def test_a_bad_request_id_is_replaced(portal: Client, given: str) -> None:
    made = portal.get("/health", headers={"X-Request-ID": given})["X-Request-ID"]

    assert made != given
    assert len(made) == 32


def test_a_trace_is_passed_on_as_it_came_where_no_traces_are_sent() -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"traceparent": given, "tracestate": "vendor=1"}
    made = context_from(RequestFactory().get("/", headers=headers)).trace_context

    assert made == (given, "vendor=1", None)


@pytest.mark.parametrize("given", ["a=" + "b" * 511, "a=\u00e9"])
def test_a_tracestate_that_is_too_long_or_no_ascii_is_left_out(given: str) -> None:
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": given}
    assert context_from(RequestFactory().get("/", headers=headers)).trace_context.tracestate == ""


class Everything:
    """Wants every trace that its parent has sampled."""

    def is_wanted(self, trace_id: str, *, parent_id: str, is_parent_sampled: bool) -> bool:
        return is_parent_sampled

    def take(self, finished: FinishedRequest) -> None: ...


@pytest.fixture
def traces_are_sent() -> Iterator[None]:
    record_with(Everything())
    yield
    record_with(None)


@pytest.mark.usefixtures("traces_are_sent")
def test_a_trace_goes_on_with_a_span_of_the_gateways_own_where_it_is_recorded() -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{}"
    traced, silent = (
        context_from(RequestFactory().get("/", headers={"traceparent": given.format(flags)})).trace_context
        for flags in ("01", "00")
    )

    assert traced.span is not None
    assert (traced.span.trace_id, traced.span.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert traced.traceparent == f"00-0af7651916cd43dd8448eb211c80319c-{traced.span.span_id}-01"
    assert (silent.traceparent, silent.span) == (given.format("00"), None)


def test_nobody_is_told_of_a_trace_without_propagators(settings: Settings) -> None:
    settings.OTEL_PROPAGATORS = ["none"]
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert context_from(RequestFactory().get("/", headers={"traceparent": given})).trace_context == ("", "", None)


def test_a_trace_of_a_version_to_come_goes_on_whatever_follows_its_flags() -> None:
    given = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"
    made = context_from(RequestFactory().get("/", headers={"traceparent": given})).trace_context.traceparent

    assert made.startswith("00-0af7651916cd43dd8448eb211c80319c-")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "ff-" + "a" * 32,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
    ],
)
def test_without_a_good_trace_a_new_one_begins(given: str) -> None:
    made = context_from(RequestFactory().get("/", headers={"traceparent": given})).trace_context.traceparent

    assert [len(part) for part in made.split("-")] == [2, 32, 16, 2]
    assert "0" * 32 not in made
    assert "0af7651916cd43dd8448eb211c80319c" not in made


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("500", 0.5), ("1", 0.001), ("3000", 3), ("3001", 3), ("0", 3), ("x", 3), ("-5", 3), ("١", 3)],
)
def test_a_portal_can_shorten_the_time_budget_but_not_lengthen_it(asked: str, seconds: float) -> None:
    request = RequestFactory().get("/")
    request.META["HTTP_X_REQUEST_TIMEOUT_MS"] = asked

    assert context_from(request).deadline.remaining_seconds == pytest.approx(seconds, abs=0.05)


def test_a_request_without_a_query_has_an_empty_one_that_is_nobodys_to_change() -> None:
    without, other, with_one = RequestFactory().get("/"), RequestFactory().get("/?"), RequestFactory().get("/?a=1&a=2")
    for request in (without, other, with_one):
        know_empty_query(request)

    assert (without.GET, other.GET, with_one.GET.getlist("a")) == ({}, {}, ["1", "2"])
    with pytest.raises(AttributeError, match="immutable"):
        without.GET["a"] = "1"


def test_writes_have_the_longer_budget() -> None:
    assert context_from(RequestFactory().post("/")).deadline.remaining_seconds == pytest.approx(10, abs=0.05)


def test_no_cache_asks_for_fresh_answers() -> None:
    assert context_from(RequestFactory().get("/", headers={"Cache-Control": "no-cache"})).is_fresh_wanted
    assert not context_from(RequestFactory().get("/")).is_fresh_wanted


def test_gzip_comes_when_asked_for(member: Client) -> None:
    plain = member.get(SAMPLE)
    packed = member.get(SAMPLE, headers={"Accept-Encoding": "br, gzip"})

    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert packed.content == gzip.compress(plain.content, compresslevel=6, mtime=0)
    assert packed["Content-Length"] == str(len(packed.content))
    assert packed["ETag"] == plain["ETag"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept-Encoding": "br"},
        {"Accept-Encoding": "gzip;q=0, br"},
        {"Accept-Encoding": "gzip; q=0.0"},
        {"Accept-Encoding": "gzip;Q=0"},
        {"Accept-Encoding": "gzip", "X-No-Compression": "1"},
    ],
)
def test_gzip_does_not_come_when_not_wanted(member: Client, headers: dict[str, str]) -> None:
    assert "Content-Encoding" not in member.get(SAMPLE, headers=headers)


def test_small_answers_are_not_compressed(member: Client) -> None:
    assert "Content-Encoding" not in member.get("/api/v1/sample-ping", headers={"Accept-Encoding": "gzip"})


def test_a_known_answer_is_304_without_a_body(member: Client) -> None:
    first = member.get(SAMPLE)
    again = member.get(SAMPLE, headers={"If-None-Match": f'"other", {first["ETag"]}'})

    assert first["ETag"].startswith('W/"')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert "Content-Type" not in again


def test_another_answer_is_not_304(member: Client) -> None:
    etag = member.get(SAMPLE)["ETag"]

    assert member.get(f"{SAMPLE}?limit=3", headers={"If-None-Match": etag}).status_code == 200


def test_head_has_the_headers_alone(member: Client) -> None:
    answer = member.head(SAMPLE)

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer["Content-Length"]) > 300


def _view(state: SectionState, age: float, name: str = "Siti") -> HttpResponse:
    return sections_answer({"member": Section(value={"name": name}, state=state, age_seconds=age)})


def test_the_etag_leaves_out_the_ages_and_whether_a_whole_answer_was_kept() -> None:
    fresh, cached = _view(SectionState.FRESH, 0), _view(SectionState.CACHED, 17.9)

    assert fresh["ETag"] == cached["ETag"]
    assert fresh.content != cached.content
    assert b'"age":17' in cached.content


def test_the_etag_tells_another_value_and_a_stale_one() -> None:
    etags = {
        _view(SectionState.FRESH, 0)["ETag"],
        _view(SectionState.FRESH, 0, "Budi")["ETag"],
        _view(SectionState.STALE, 0)["ETag"],
    }

    assert len(etags) == 3


def test_a_view_without_values_is_json_too() -> None:
    unavailable: Section[object] = Section(value=None, state=SectionState.UNAVAILABLE, error="circuit_open")

    assert sections_answer({"member": unavailable}).content == (
        b'{"member":null,"meta":{"complete":false,"as_of":null,"sections":{"member":'
        b'{"state":"unavailable","age":0,"error":"circuit_open"}}}}'
    )
    assert sections_answer({}).content == b'{"meta":{"complete":true,"as_of":null,"sections":{}}}'


KEPT, KEPT_LONGER = Freshness(SectionState.CACHED, 57.9), Freshness(SectionState.CACHED, 280.0)
NEAR = Freshness(SectionState.CACHED, 57.9, is_near=True)
STALE = Freshness(SectionState.STALE, -61.2)
FRESH, FAILED = Freshness(SectionState.FRESH), Freshness("upstream_timeout")
SHARED = Freshness(SectionState.FRESH, is_collapsed=True)
SHARED_ELSEWHERE = Freshness(SectionState.CACHED, 300.0, is_collapsed=True)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([KEPT], "web-bff; hit; ttl=57"),
        ([KEPT_LONGER, KEPT], "web-bff; hit; ttl=57"),
        ([Freshness(SectionState.CACHED)], "web-bff; hit"),
        ([NEAR, NEAR], "web-bff; hit; ttl=57; detail=near"),
        ([NEAR, KEPT], "web-bff; hit; ttl=57"),
        ([NEAR, STALE], "web-bff; hit; ttl=-62; detail=stale"),
        ([KEPT, STALE], "web-bff; hit; ttl=-62; detail=stale"),
        ([KEPT, FRESH], "web-bff; fwd=miss"),
        ([KEPT, FAILED], "web-bff; fwd=miss"),
        ([SHARED], "web-bff; fwd=miss; collapsed"),
        ([KEPT, SHARED_ELSEWHERE], "web-bff; fwd=miss; collapsed"),
        ([SHARED, FRESH], "web-bff; fwd=miss"),
        ([], None),
    ],
)
def test_what_the_cache_had_to_do_with_an_answer_is_told(parts: list[Freshness], status: str | None) -> None:
    assert cache_status_of(parts) == status


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([STALE], "web-bff; fwd=request; detail=stale"),
        ([KEPT, STALE], "web-bff; fwd=request; detail=stale"),
        ([FRESH], "web-bff; fwd=miss"),
        ([SHARED], "web-bff; fwd=miss; collapsed"),
        ([], None),
    ],
)
def test_who_wanted_nothing_kept_is_never_told_of_a_hit(parts: list[Freshness], status: str | None) -> None:
    assert cache_status_of(parts, is_fresh_wanted=True) == status


@pytest.mark.parametrize("states", [[KEPT], [KEPT, FRESH]])
def test_calls_are_told_in_server_timing_and_cache_status(states: list[Freshness]) -> None:
    request = RequestFactory().get("/")
    context = context_from(request)
    timings = [
        CallTiming("claims", "listMemberClaims", 12.34, state.state, planned_ms=2000.0, left_ms=2871.4)
        for state in states
    ]
    context._gateway = SimpleNamespace(timings=timings, freshness=states)  # type: ignore[assignment]  # what the edge sees of it
    answer = finished(request, model_answer(Echo(member_id="m-1", limit=1)), context)

    assert answer["Cache-Status"] == cache_status_of(states)
    assert answer["Server-Timing"].startswith('claims;desc="listMemberClaims cached";dur=12.3;planned=2000;left=2871')


def test_server_timing_is_cut_behind_the_last_entry_that_fits() -> None:
    timings = [CallTiming("benefit", f"validateBenefit{number}", 1.0, "upstream_busy") for number in range(5_000)]

    value = server_timing(timings)

    assert 1_900 < len(value) <= 2_000
    entries = value.split(", ")
    assert entries == server_timing(timings[: len(entries)]).split(", ")
    assert entries[-1] == f'benefit;desc="validateBenefit{len(entries) - 1} upstream_busy";dur=1.0'


def test_nginx_as_it_is_shipped_takes_a_head_with_the_longest_server_timing() -> None:
    shipped = (settings.BASE_DIR / "deploy" / "nginx" / "proxy.conf").read_text()
    (size,) = re.findall(r"^\s*proxy_buffer_size (\d+)k;", shipped, re.MULTILINE)

    assert int(size) * 1024 >= 4 * SERVER_TIMING_MAX_LENGTH


def test_cors_is_an_exact_list_with_credentials(portal: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://portal.example"]
    own = portal.get("/api/v1/sample-broken", headers={"Origin": "https://portal.example"})
    other = portal.get("/api/v1/sample-broken", headers={"Origin": "https://portal.example.evil.example"})

    assert own["Access-Control-Allow-Origin"] == "https://portal.example"
    assert own["Access-Control-Allow-Credentials"] == "true"
    assert {"Retry-After", "Location", "Age", "Sunset", "Link", "X-GraphQL-Cost"} <= set(
        own["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Origin" not in other


def test_a_preflight_is_answered_and_not_counted(portal: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://portal.example"]
    answer = portal.options(
        SAMPLE, headers={"Origin": "https://portal.example", "Access-Control-Request-Method": "GET"}
    )

    assert answer.status_code == 200
    allowed = set(answer["Access-Control-Allow-Headers"].split(", "))
    assert {"idempotency-key", "traceparent", "tracestate", "baggage", "sentry-trace"} <= allowed
    assert "RateLimit" not in answer


def test_a_header_of_the_gateways_own_reads_as_any_other() -> None:
    answer = OwnHeadersResponse(b"{}", content_type="application/json")
    put(answer.headers, ("ETag", 'W/"1"'), ("Age", "7"))
    put(answer.headers, ("ETag", 'W/"2"'))
    put_missing(answer.headers, ("Age", "8"), ("Vary", "Cookie"))

    assert answer["etag"] == 'W/"2"'
    assert value_of(answer.headers, "vary") == "Cookie"
    assert value_of(answer.headers, "retry-after") == ""
    assert list(answer.items()) == list(answer.headers.items())
    assert list(answer.items()) == [
        ("Content-Type", "application/json"),
        ("ETag", 'W/"2"'),
        ("Age", "7"),
        ("Vary", "Cookie"),
    ]


@pytest.mark.parametrize("headers", [None, {"Retry-After": "1"}])
def test_an_answer_with_headers_of_the_gateways_own_is_as_django_makes_it(headers: dict[str, str] | None) -> None:
    given: Any = {"content_type": "application/json", "status": 429, "headers": headers}

    own, djangos = OwnHeadersResponse(b"{}", **given), HttpResponse(b"{}", **given)
    assert vars(own) == vars(djangos)
    assert list(own.items()) == list(djangos.items())


def test_what_else_is_set_cannot_break_out_of_its_line() -> None:
    with pytest.raises(BadHeaderError):
        OwnHeadersResponse(b"{}", content_type="text/plain").headers["X-Other"] = "a\r\nX-Evil: 1"
