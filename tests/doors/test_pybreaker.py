"""pybreaker, used as its documentation says: its ways, settings, listeners and storages of somebody's own."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pybreaker
import pytest
from pybreaker import CircuitBreakerError, CircuitMemoryStorage, CircuitRedisStorage
from redis import Redis

from gateway_clients.errors import UpstreamConnectionError, UpstreamNotFoundError
from gateway_clients.instrumentation.breaker_metrics import BreakerMetrics
from gateway_clients.instrumentation.metrics import metrics
from gateway_clients.pipeline import upstreams
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.breaker import Breaker
from tests.gateway_clients.resilience.transcript import conf
from tests.support.calls import call_of, gateway_for, write_of
from tests.support.clock import FakeClock
from tests.support.redis_server import RedisServer
from tests.support.upstream import RawUpstream, Script, answer, says, says_json
from tests.support.waiting import wait_until


class Diary(pybreaker.CircuitBreakerListener):
    """A listener that writes down all it hears."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def before_call(self, cb: Any, func: Any, *args: Any, **kwargs: Any) -> None:
        self.lines.append(("before_call", cb.name, func.__name__, args, kwargs))

    def success(self, cb: Any) -> None:
        self.lines.append(("success", cb.name))

    def failure(self, cb: Any, exc: BaseException) -> None:
        self.lines.append(("failure", cb.name, type(exc).__name__))

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        self.lines.append(("state_change", cb.name, old_state.name, new_state.name))


def fail(*_: Any) -> None:
    raise ConnectionError


def trip(breaker: Breaker) -> None:
    for _ in range(breaker.fail_max):
        with pytest.raises(ConnectionError):
            breaker.call(fail)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def breaker(clock: FakeClock, diary: Diary) -> Breaker:
    return Breaker(conf(), clock=clock, listeners=[diary])


def test_a_listener_hears_of_each_call_and_of_each_state(breaker: Breaker, diary: Diary, clock: FakeClock) -> None:
    assert breaker.call(sorted, [2, 1], reverse=False) == [1, 2]
    breaker.fail_max = 1
    with pytest.raises(ConnectionError):
        breaker.call(fail, "x")
    with pytest.raises(CircuitBreakerError):
        breaker.call(fail, "y")
    clock.advance(60)
    breaker.call(len, "z")

    assert diary.lines == [
        ("before_call", "claims", "sorted", ([2, 1],), {"reverse": False}),
        ("success", "claims"),
        ("before_call", "claims", "fail", ("x",), {}),
        ("failure", "claims", "ConnectionError"),
        ("state_change", "claims", "closed", "open"),
        ("state_change", "claims", "open", "half-open"),
        ("before_call", "claims", "len", ("z",), {}),
        ("success", "claims"),
        ("state_change", "claims", "half-open", "closed"),
    ]


def test_a_listener_may_come_and_go_and_may_look_at_the_breaker_while_others_call(clock: FakeClock) -> None:
    seen: list[str] = []

    class Looking(pybreaker.CircuitBreakerListener):
        def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(cb.open).result(5.0)
            seen.append(cb.current_state)

    breaker, looking = Breaker(conf(), clock=clock), Looking()
    breaker.add_listener(looking)
    breaker.half_open()
    breaker.remove_listener(looking)
    breaker.close()

    assert (seen[-1], breaker.current_state, breaker.listeners) == ("open", "closed", ())


def test_what_a_listener_raises_costs_no_call(breaker: Breaker) -> None:
    class Broken(pybreaker.CircuitBreakerListener):
        def before_call(self, cb: Any, func: Any, *args: Any, **kwargs: Any) -> None:
            raise ZeroDivisionError

        def success(self, cb: Any) -> None:
            raise ZeroDivisionError

    breaker.add_listener(Broken())

    assert breaker.call(len, "abc") == 3


def test_an_open_breaker_refuses_as_pybreaker_does_and_calls_nothing(breaker: Breaker) -> None:
    breaker.open()
    called: list[int] = []

    @breaker
    def decorated() -> None:
        """Says what it does."""
        called.append(1)

    for ask in (lambda: breaker.call(called.append, 1), decorated, lambda: breaker.calling().__enter__()):
        with pytest.raises(CircuitBreakerError):
            ask()

    assert called == []
    assert (decorated.__name__, decorated.__doc__) == ("decorated", "Says what it does.")


def test_the_decorator_and_the_block_count_like_call(breaker: Breaker) -> None:
    @breaker
    def decorated() -> None:
        raise ConnectionError

    def block() -> None:
        with breaker.calling():
            raise ConnectionError

    for ask in (decorated, block, decorated, block):
        with pytest.raises(ConnectionError):
            ask()
    assert (breaker.fail_counter, breaker.current_state) == (4, "closed")

    with breaker.calling():
        pass
    assert breaker.fail_counter == 0
    trip(breaker)
    assert breaker.current_state == "open"


def test_half_open_lets_one_block_of_sixteen_through(breaker: Breaker) -> None:
    breaker.half_open()
    is_in, may_go = threading.Event(), threading.Event()

    def block(_: int) -> str:
        try:
            with breaker.calling():
                is_in.set()
                may_go.wait(10.0)
                return "in"
        except CircuitBreakerError:
            return "refused"

    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(block, number) for number in range(16)]
        assert is_in.wait(10.0)
        wait_until(lambda: sum(future.done() for future in futures) == 15)
        may_go.set()

    assert sorted(future.result() for future in futures) == ["in", *["refused"] * 15]
    assert breaker.current_state == "closed"


def test_a_generator_is_a_call_until_it_ends(breaker: Breaker, diary: Diary) -> None:
    @breaker
    def numbers() -> Iterator[int]:
        yield 1
        raise ConnectionError

    asked = numbers()
    assert next(asked) == 1
    assert breaker.fail_counter == 0
    with pytest.raises(ConnectionError):
        next(asked)

    assert breaker.fail_counter == 1
    assert [line[0] for line in diary.lines] == ["before_call", "failure"]


def test_settings_take_effect(clock: FakeClock) -> None:
    breaker = Breaker(conf(), clock=clock)
    breaker.fail_max, breaker.reset_timeout, breaker.success_threshold = 2, 10, 2
    breaker.add_excluded_exception(ValueError)
    with pytest.raises(ConnectionError):
        breaker.call(fail)
    with pytest.raises(ValueError, match="invalid literal"):
        breaker.call(int, "x")
    trip(breaker)
    clock.advance(9.5)
    with pytest.raises(CircuitBreakerError):
        breaker.call(len, "")

    clock.advance(0.5)
    breaker.call(len, "")
    assert (breaker.current_state, breaker.success_counter) == ("half-open", 1)
    breaker.call(len, "")
    assert breaker.current_state == "closed"


def test_a_refusal_of_the_upstream_is_an_answer(breaker: Breaker) -> None:
    def refuse() -> None:
        raise UpstreamNotFoundError("claims", upstream_status=404)

    for _ in range(30):
        with pytest.raises(UpstreamNotFoundError):
            breaker.call(refuse)

    assert (breaker.current_state, breaker.fail_counter) == ("closed", 0)


@pytest.fixture(params=["memory", "redis"])
def storage(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":
        yield CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    with Redis.from_url(server.url) as redis:
        yield CircuitRedisStorage(pybreaker.STATE_CLOSED, redis, namespace=uuid.uuid4().hex)


def test_a_storage_holds_state_counter_and_when_it_opened(storage: Any) -> None:
    breaker = Breaker(conf(), state_storage=storage)
    with pytest.raises(ConnectionError):
        breaker.call(fail)
    assert (storage.state, storage.counter, storage.opened_at) == ("closed", 1, None)

    breaker.call(len, "")
    assert storage.counter == 0
    trip(breaker)

    assert (storage.state, storage.counter) == ("open", 5)
    assert abs(datetime.now(UTC) - storage.opened_at) < timedelta(seconds=5)


def test_breakers_that_share_a_storage_share_state_and_counter(storage: Any) -> None:
    one, other = (Breaker(conf(), state_storage=storage) for _ in range(2))
    for number in range(5):
        with pytest.raises(ConnectionError):
            (one, other)[number % 2].call(fail)

    for breaker in (one, other):
        with pytest.raises(CircuitBreakerError):
            breaker.call(len, "")
    storage.state = pybreaker.STATE_CLOSED
    assert other.call(len, "abc") == 3


def test_a_breaker_begins_with_what_its_storage_holds(clock: FakeClock) -> None:
    storage = CircuitMemoryStorage(pybreaker.STATE_OPEN)
    storage.opened_at = datetime.now(UTC) - timedelta(seconds=40)
    breaker = Breaker(conf(), clock=clock, state_storage=storage)

    with pytest.raises(CircuitBreakerError):
        breaker.call(len, "")
    clock.advance(21)
    assert breaker.call(len, "") == 0
    assert (storage.state, breaker.current_state) == ("closed", "closed")


@pytest.fixture
def claims(settings: Any) -> Iterator[RawUpstream]:
    def nothing(*_: Any) -> None:
        raise AssertionError

    settings.RETRY_BUDGET = 0.0
    with RawUpstream(nothing) as made:
        settings.CLAIMS_SERVICE_URL = made.url
        yield made
    upstreams.forget()


SCRIPTS: dict[str, Script] = {
    "good": says_json({"value": "new"}),
    "bad": says(answer(status="500 Internal Server Error")),
}


def test_the_breaker_of_an_upstream_tells_listeners_of_the_gateways_own_calls(
    claims: RawUpstream, diary: Diary
) -> None:
    upstream("claims").breaker.add_listener(diary)
    claims.say(SCRIPTS["good"])
    gateway_for().call(call_of()).require()
    gateway_for().call(write_of()).require()
    claims.say(SCRIPTS["bad"])
    assert str(gateway_for().call(call_of()).section(lambda thing: thing).state) == "unavailable"

    assert [line[0] for line in diary.lines] == ["before_call", "success"] * 2 + ["before_call", "failure"]
    assert diary.lines[-1][2] == "UpstreamServerError"


def test_metrics_are_a_listener(claims: RawUpstream, settings: Any) -> None:
    settings.ENABLE_METRICS = True
    listeners = upstream("claims").breaker.listeners
    assert any(isinstance(each, BreakerMetrics) for each in listeners)
    upstream("claims").breaker.half_open()

    lines = metrics().exposition().decode().splitlines()
    assert 'upstream_breaker_changes_total{service="claims",state="half-open"}' in "".join(
        line.rpartition(" ")[0] for line in lines
    )


@pytest.mark.alone
def test_calls_through_one_breaker_run_side_by_side_also_as_blocks() -> None:
    breaker = Breaker(conf())

    def block(_: int) -> None:
        with breaker.calling():
            time.sleep(0.1)

    with ThreadPoolExecutor(8) as pool:
        started_at = time.monotonic()
        list(pool.map(block, range(8)))
        took_seconds = time.monotonic() - started_at

    assert 0.1 <= took_seconds < 0.4


def test_code_of_somebody_else_may_use_an_upstreams_breaker(claims: RawUpstream) -> None:
    breaker = upstream("claims").breaker
    for _ in range(5):
        with pytest.raises(ConnectionError):
            breaker.call(fail)

    with pytest.raises(CircuitBreakerError) as refused:
        gateway_for().call(call_of()).require()
    assert not isinstance(refused.value, UpstreamConnectionError)
    assert claims.asked == []
