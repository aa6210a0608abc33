"""One call through the pipe: headers, retries, the breaker, pauses, bulkheads, what is kept of a refusal."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.caching.store import default_cache
from gateway_clients.errors import (
    DeadlineExceededError,
    UpstreamBusyError,
    UpstreamCircuitOpenError,
    UpstreamConnectionError,
    UpstreamContractError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamRejectedError,
    UpstreamServerError,
    UpstreamTimeoutError,
)
from gateway_clients.gateway import Gateway
from gateway_clients.instrumentation import CallRecord, DriftRecord, Record, observe
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.payload_parser import page
from tests.support.calls import Running, ThingPayload, at_once, call_of, gateway_for, key_of, write_of
from tests.support.upstream import Asked, RawUpstream, Script, Wire, answer, hangs, says, says_json
from tests.support.waiting import wait_until

GOOD = answer(b'{"value": "new"}')
FAILED = answer(status="500 Internal Server Error")
Upstreams = Callable[..., list[RawUpstream]]


def in_turn(*answers: bytes) -> Script:
    """These answers, then the last one for ever."""
    left = list(answers)

    def script(wire: Wire, _: Asked) -> None:
        wire.send(left.pop(0) if len(left) > 1 else left[0])

    return script


def failure(run: Callable[[], Any]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        run()
    return caught.value


def test_every_call_says_for_whom_it_is_made(upstreams: Upstreams, settings: Settings) -> None:
    (claims,) = upstreams(claims=says(GOOD))
    settings.UPSTREAM_SERVICE_TOKEN = "secret"
    gateway = Gateway(
        request_id="r-1",
        deadline=Deadline.after(2.0),
        on_behalf_of="a-1",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )

    gateway.call(write_of(content_type="application/json", idempotency_key="k-1")).require()

    headers = dict(claims.asked[0].headers)
    assert 1_000 < int(headers.pop("x-request-timeout-ms")) <= 2_000
    assert headers == {
        "host": f"127.0.0.1:{claims.port}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "web-bff",
        "authorization": "Bearer secret",
        "x-request-id": "r-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "x-on-behalf-of": "a-1",
        "idempotency-key": "k-1",
        "content-type": "application/json",
        "content-length": "2",
    }


def test_the_gateways_own_call_is_on_nobodys_behalf(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says(GOOD))

    gateway_for().call(call_of()).require()

    absent = {"authorization", "x-on-behalf-of", "traceparent", "idempotency-key", "content-type"}
    assert not absent & claims.asked[0].headers.keys()


def test_a_fill_tells_its_own_budget_and_not_that_of_a_request_in_a_hurry(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says(GOOD))

    gateway_for(1.0).call(call_of(key=key_of())).require()

    assert 2_500 < int(claims.asked[0].headers["x-request-timeout-ms"]) <= 3_000


def test_a_request_that_waited_for_its_turn_takes_no_other_thread_and_place(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says(GOOD))

    gateway_for(1.0, waited_seconds=2.0).call(call_of(key=key_of())).require()

    assert 500 < int(claims.asked[0].headers["x-request-timeout-ms"]) <= 1_000


@pytest.mark.parametrize("garbage", [b"\xc1", b"\x81\xa5value\x07", b"\x81\xa5value\xa1\xff"])
def test_a_kept_answer_that_cannot_be_read_is_asked_for_anew(upstreams: Upstreams, garbage: bytes) -> None:
    (claims,) = upstreams(claims=says(GOOD))
    call = call_of(key=key_of())
    default_cache().set(call.key, msgspec.Raw(garbage))

    assert gateway_for().call(call).require() == ThingPayload(value="new")
    assert claims.count == 1


def test_a_read_that_failed_is_tried_once_more(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET = 1.0
    (claims,) = upstreams(claims=in_turn(FAILED, GOOD))

    assert gateway_for().call(call_of()).require() == ThingPayload(value="new")
    assert len(claims.asked) == 2


def test_the_first_read_of_a_fresh_process_is_tried_once_more_too(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=in_turn(FAILED, GOOD, FAILED))

    assert gateway_for().call(call_of()).require() == ThingPayload(value="new")
    assert type(failure(gateway_for().call(call_of()).require)) is UpstreamServerError
    assert len(claims.asked) == 3


def test_a_read_that_failed_twice_has_failed(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET = 1.0
    (claims,) = upstreams(claims=says(FAILED))

    assert type(failure(gateway_for().call(call_of()).require)) is UpstreamServerError
    assert len(claims.asked) == 2


def test_in_an_outage_an_upstream_sees_a_tenth_more_calls_than_are_wanted(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_MIN_CALLS = 10_000
    (claims,) = upstreams(claims=says(FAILED))

    for _ in range(40):
        failure(gateway_for().call(call_of()).require)

    assert 42 <= len(claims.asked) <= 44


def test_nothing_is_tried_again_against_an_open_breaker(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET, settings.BREAKER_FAILURES = 1.0, 1
    (claims,) = upstreams(claims=says(FAILED))

    assert type(failure(gateway_for().call(call_of()).require)) is UpstreamServerError
    second = failure(gateway_for().call(call_of()).require)

    assert (type(second), second.was_sent, len(claims.asked)) == (UpstreamCircuitOpenError, False, 1)
    assert second.retry_after_seconds == pytest.approx(60, abs=5)


@pytest.mark.parametrize("script", [says(FAILED), lambda wire, _: wire.close(), says(b"SSH-2.0\r\n\r\n")])
def test_a_write_is_never_tried_again(upstreams: Upstreams, settings: Settings, script: Script) -> None:
    settings.RETRY_BUDGET = 1.0
    (claims,) = upstreams(claims=script)

    assert failure(gateway_for().call(write_of()).require).was_sent
    assert len(claims.asked) == 1


def test_there_is_no_second_try_without_time_for_it(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET, settings.UPSTREAM_TIMEOUT_SECONDS = 1.0, 0.3
    (claims,) = upstreams(claims=hangs)

    assert isinstance(failure(gateway_for(0.36).call(call_of()).require), UpstreamTimeoutError)
    assert len(claims.asked) == 1


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (says(FAILED), UpstreamServerError),
        (says(answer(b"<html>")), UpstreamContractError),
        (says(answer(b"")), UpstreamContractError),
        (says(answer(status="302 Found")), UpstreamContractError),
        (lambda wire, _: wire.reset(), UpstreamConnectionError),
        (hangs, UpstreamTimeoutError),
    ],
    ids=["500", "HTML", "empty", "redirect", "reset", "hangs"],
)
def test_what_is_no_useful_answer_counts_at_the_breaker(
    upstreams: Upstreams, settings: Settings, script: Script, kind: type[UpstreamError]
) -> None:
    settings.UPSTREAM_TIMEOUT_SECONDS, settings.RETRY_BUDGET = 0.2, 0.0
    upstreams(claims=script)

    assert type(failure(gateway_for().call(call_of()).require)) is kind
    assert upstream("claims").breaker.fail_counter == 1


def test_a_caller_without_time_says_nothing_of_the_upstream(upstreams: Upstreams) -> None:
    upstreams(claims=hangs)

    error = failure(gateway_for(0.2).call(call_of()).require)

    assert (error.status, upstream("claims").breaker.fail_counter) == (504, 0)


def test_without_time_nothing_is_sent(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says(GOOD))

    error = failure(gateway_for(0.01).call(call_of()).require)

    assert (type(error), error.was_sent, claims.asked) == (DeadlineExceededError, False, [])


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_refused_credential_is_the_gateways_fault_and_no_failure_of_the_upstream(
    upstreams: Upstreams, status: str
) -> None:
    (claims,) = upstreams(claims=says(answer(status=status)))

    error = failure(gateway_for().call(call_of()).require)

    assert (type(error), error.status, error.code) == (UpstreamRejectedError, 502, "upstream_bad_answer")
    assert (len(claims.asked), upstream("claims").breaker.fail_counter) == (1, 0)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7), ("0", 1), ("9" * 300, 30), ("soon", 1), ("Fri, 02 Jan 2199 03:05:05 GMT", 30)],
)
def test_a_429_pauses_the_upstream_for_a_time_within_reason(
    upstreams: Upstreams, settings: Settings, retry_after: str, seconds: int
) -> None:
    settings.RETRY_BUDGET, settings.BREAKER_OPEN_SECONDS = 1.0, 30
    (claims,) = upstreams(claims=says(answer(status="429 Slow Down", headers=[("Retry-After", retry_after)])))

    errors = [failure(gateway_for().call(call_of()).require) for _ in range(2)]

    assert [(type(error), error.was_sent) for error in errors] == [
        (UpstreamBusyError, True),
        (UpstreamBusyError, False),
    ]
    waits = [error.retry_after_seconds for error in errors]
    assert waits == pytest.approx([seconds] * 2, abs=0.9)
    assert (len(claims.asked), upstream("claims").breaker.fail_counter) == (1, 0)


def test_a_503_pauses_nothing_whatever_it_asks_for(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET = 0.0
    (claims,) = upstreams(claims=says(answer(status="503 Down", headers=[("Retry-After", "99999")])))

    waits = [failure(gateway_for().call(call_of()).require).retry_after_seconds for _ in range(2)]

    assert (waits, len(claims.asked)) == ([1.0, 1.0], 2)


def test_a_404_is_kept_for_half_a_minute_at_most(upstreams: Upstreams, settings: Settings) -> None:
    (claims,) = upstreams(claims=says(answer(status="404 Not Found")))
    call = call_of(key=key_of())

    for _ in range(3):
        assert type(failure(gateway_for().call(call).require)) is UpstreamNotFoundError

    assert len(claims.asked) == 1
    with Redis.from_url(settings.REDIS_URL) as redis:
        assert 20_000 < redis.pttl(entry_name(key_of())) <= 30_000


def test_a_read_that_finds_its_upstream_full_fails_at_once(upstreams: Upstreams, settings: Settings) -> None:
    settings.BULKHEAD_LIMIT = 1
    (claims,) = upstreams(claims=says_json({"value": "new"}, after_seconds=0.6))
    first = Running(gateway_for().call(call_of()).require)
    wait_until(lambda: claims.running)

    second = Running(gateway_for().call(call_of()).require).wait()

    assert isinstance(second.error, UpstreamBusyError)
    assert (second.error.was_sent, upstream("claims").breaker.fail_counter) == (False, 0)
    assert first.result == ThingPayload(value="new")
    assert len(claims.asked) == 1


def test_a_write_that_finds_its_upstream_full_waits_for_a_place(upstreams: Upstreams, settings: Settings) -> None:
    settings.BULKHEAD_LIMIT = 1
    (claims,) = upstreams(claims=says_json({"value": "new"}, after_seconds=0.3))
    first = Running(gateway_for().call(call_of()).require)
    wait_until(lambda: claims.running)

    assert gateway_for().call(write_of()).require() == ThingPayload(value="new")

    assert first.result == ThingPayload(value="new")
    assert claims.peak == 1


@pytest.mark.alone
def test_one_request_has_ten_calls_under_way_to_one_upstream(upstreams: Upstreams) -> None:
    (benefit,) = upstreams(benefit=says_json({"value": "covered"}, after_seconds=0.1))
    gateway = gateway_for()
    question = call_of("benefit", method="POST", body=b"{}")
    started_at = time.monotonic()

    answers = [pending.require() for pending in [gateway.call(question) for _ in range(20)]]

    assert 0.19 <= time.monotonic() - started_at < 0.8
    assert answers == [ThingPayload(value="covered")] * 20
    assert (len(benefit.asked), benefit.peak) == (20, 10)


def test_broken_items_cost_themselves_and_are_told(upstreams: Upstreams) -> None:
    upstreams(claims=says_json({"items": [{"value": "a"}, {"value": 5}, "b"], "total": 3}))
    told: list[Record] = []
    remove = observe(told.append)
    try:
        outcome = gateway_for().call(call_of(parse=page(ThingPayload), payload_type=None)).outcome()
    finally:
        remove()

    assert (outcome.value.items, outcome.omitted) == ((ThingPayload(value="a"),), 2)
    (call,) = [record for record in told if isinstance(record, CallRecord)]
    (drift,) = [record for record in told if isinstance(record, DriftRecord)]
    assert (call.service, call.operation, call.outcome) == ("claims", "getThing", "ok")
    assert drift.omitted == 2


def test_a_call_that_cannot_be_sent_harms_no_other(upstreams: Upstreams) -> None:
    upstreams(claims=says(GOOD), member=says(GOOD))
    gateway = gateway_for()
    broken = gateway.call(call_of("member", target="/a b", key=key_of("broken")))
    good = gateway.call(call_of())

    assert good.require() == ThingPayload(value="new")
    for again in (broken, gateway_for().call(broken.call)):
        with pytest.raises(ValueError, match="not a target"):
            again.require()


@pytest.mark.alone
def test_upstreams_over_tls_are_asked_side_by_side_too(settings: Settings) -> None:
    """They take the connection and never shake hands, each for the time that connecting has."""
    settings.UPSTREAM_CONNECT_SECONDS, settings.RETRY_BUDGET = 0.4, 0.0
    names = ("claims", "member", "benefit", "policy", "payment")
    with ExitStack() as stack:
        for name in names:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            setattr(settings, f"{name.upper()}_SERVICE_URL", f"https://127.0.0.1:{listener.getsockname()[1]}")
        gateway = gateway_for()
        pendings = [gateway.call(call_of(name)) for name in names]
        started_at = time.monotonic()

        errors = [failure(pending.require) for pending in pendings]

    assert time.monotonic() - started_at < 1.2
    assert [(type(error), error.was_sent) for error in errors] == [(UpstreamTimeoutError, False)] * 5


def test_what_a_process_has_one_of_is_made_once_by_many_threads(settings: Settings) -> None:
    settings.BULKHEAD_LIMIT = 3

    made = at_once(16, lambda: upstream("claims"))

    assert len({id(each.result) for each in made}) == 1
    assert default_cache() is default_cache()


@pytest.mark.alone
@pytest.mark.parametrize("item", [b"{}", b"7", b'{"value":7}'])
def test_five_megabytes_of_broken_items_have_failed_in_budget(upstreams: Upstreams, item: bytes) -> None:
    body = b'{"items":[' + b",".join([item] * (4_800_000 // (len(item) + 1))) + b'],"total":1}'
    upstreams(claims=says(answer(body)))
    call = call_of(parse=page(ThingPayload), payload_type=None)

    asked = Running(gateway_for(3.0).call(call).require).wait()

    assert isinstance(asked.error, UpstreamContractError | UpstreamTimeoutError)
    assert asked.seconds < 3.5
