"""A process that is cut off from Redis: what it is to drop is in the database before it answers, and others drop it."""

import datetime
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from redis import Redis

from gateway_clients.caching import pending_invalidations
from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.pending_invalidations import KIND, invalidate_before_return
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.conf import DataClass
from gateway_clients.edge.rest.writes import UpstreamRefusedError, written
from gateway_clients.errors import UpstreamConnectionError, UpstreamTimeoutError
from gateway_clients.invalidation import now_and_later
from gateway_clients.invalidation.now_and_later import apply_pending
from gateway_clients.invalidation.rules import Change, Changed
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox import publisher
from gateway_clients.outbox.publisher import put
from gateway_clients.redis_access.circuit import CacheDownError
from gateway_clients.resilience.deadline import Deadline
from tests.events.signing import tell
from tests.support.answering import REFUSED, AnsweringUpstreams
from tests.support.calls import Running, gateway_for
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("upstreams")]
CLAIMS = CacheKey(DataClass.CLAIMS, "list", Subject.member("m-1"))
OTHERS_CLAIMS = CacheKey(DataClass.CLAIMS, "list", Subject.member("m-2"))
CHANGE = Change(changed=Changed.MEMBER, member_id="m-1")


def left() -> list[tuple[dict[str, Any], bool]]:
    """What the outbox has dropped, and whether that is due."""
    return [(each.payload, each.due_at <= timezone.now()) for each in OutboxMessage.objects.filter(kind=KIND)]


def kept() -> list[str]:
    return [str(key) for key in (CLAIMS, OTHERS_CLAIMS) if default_cache().get(key, str) is not None]


@pytest.fixture
def is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this process alone did not reach Redis; it does not wait for that to pass."""
    monkeypatch.setattr(now_and_later, "RETURN_SECONDS", 0.0)
    monkeypatch.setattr(default_cache().circuit, "_is_down", True)


@pytest.fixture
def filled() -> None:
    for key in (CLAIMS, OTHERS_CLAIMS):
        assert default_cache().set(key, "old")


class WatchedWrite:
    """A change of m-1's phone that notes what the outbox holds when it is sent; `ahead` is called just before."""

    def __init__(self, ahead: Callable[[], object] = lambda: None) -> None:
        self._gateway = gateway_for()
        self._ahead = ahead
        self.call = self._gateway.member.update_member_contact("m-1", {"phone": "12345"})  # type: ignore[arg-type]
        self.seen: list[tuple[dict[str, Any], bool]] = []

    def require(self) -> Any:
        """Sends it, as calls do when they are waited for."""
        self.seen = left()
        self._ahead()
        return self._gateway.call(self.call).require()


def write(watched: WatchedWrite | None = None) -> Any:
    return written(watched or WatchedWrite(), CHANGE)  # type: ignore[arg-type]


def test_what_a_write_will_drop_is_written_down_before_it_is_sent_and_gone_when_redis_knows() -> None:
    watched = WatchedWrite()

    write(watched)

    assert watched.seen == [({"tags": ["member:m-1"]}, False)]
    assert left() == []


def test_what_a_process_without_redis_has_written_is_due_before_it_answers(is_cut_off: None) -> None:
    write()

    assert left() == [({"tags": ["member:m-1"]}, True)]


def test_so_it_is_when_the_worker_has_done_it_too_early(is_cut_off: None) -> None:
    write(WatchedWrite(ahead=OutboxMessage.objects.all().delete))

    assert left() == [({"tags": ["member:m-1"]}, True)]


@pytest.mark.parametrize("status", [503, 408])
def test_an_unknown_outcome_is_dropped_at_once_and_once_its_time_is_over(
    is_cut_off: None, upstreams: AnsweringUpstreams, status: int
) -> None:
    upstreams.answers["updateMemberContact"] = status

    with pytest.raises(UpstreamTimeoutError):
        write()

    assert left() == [({"tags": ["member:m-1"]}, False), ({"tags": ["member:m-1"]}, True)]


@pytest.mark.parametrize(("sent", "error"), [(422, UpstreamRefusedError), (REFUSED, UpstreamConnectionError)])
def test_what_was_not_done_leaves_nothing(
    is_cut_off: None, upstreams: AnsweringUpstreams, sent: Any, error: type[Exception]
) -> None:
    upstreams.answers["updateMemberContact"] = sent

    with pytest.raises(error):
        write()

    assert upstreams.operations == ["updateMemberContact"]
    assert left() == []


def test_without_the_database_a_write_is_not_sent(
    upstreams: AnsweringUpstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("the database is down")

    monkeypatch.setattr(now_and_later, "put", refuse)

    with pytest.raises(OperationalError):
        write()
    assert upstreams.asked == []


def test_when_neither_redis_nor_the_database_can_be_told_the_write_is_not_acknowledged(
    is_cut_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OperationalError("the database is down")

    monkeypatch.setattr(now_and_later, "hasten", refuse)

    with pytest.raises(UpstreamTimeoutError) as caught:
        write()
    assert caught.value.was_sent


def test_an_event_that_a_process_without_redis_takes_is_due_before_it_answers(is_cut_off: None) -> None:
    assert tell("member.updated", member_id="m-1").status_code == 202

    assert left() == [({"tags": ["member:m-1"]}, True)]


def test_an_event_that_redis_knows_of_leaves_nothing() -> None:
    assert tell("member.updated", member_id="m-1").status_code == 202

    assert left() == []


def test_who_reaches_redis_drops_what_was_left(filled: None) -> None:
    put(KIND, {"tags": ["member:m-1:claims"]})
    put(KIND, {"tags": "of another kind"})
    put(KIND, {"tags": ["member:m-2"]}, due_at=timezone.now() + datetime.timedelta(minutes=1))

    assert apply_pending() == 1

    assert kept() == ["claims:member:m-2:list"]
    assert [payload for payload, _ in left()] == [{"tags": "of another kind"}, {"tags": ["member:m-2"]}]
    assert apply_pending() == 0


@pytest.mark.parametrize("leave", [write, lambda: tell("member.updated", member_id="m-1")], ids=["write", "event"])
def test_what_a_machine_whose_clock_is_ahead_left_is_dropped_at_once(
    leave: Callable[[], Any], filled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = SimpleNamespace(now=lambda: timezone.now() + datetime.timedelta(minutes=1))
    with monkeypatch.context() as patch:
        patch.setattr(now_and_later, "RETURN_SECONDS", 0.0)
        patch.setattr(default_cache().circuit, "_is_down", True)
        for module in (publisher, now_and_later):
            patch.setattr(module, "timezone", ahead)
        leave()

    assert apply_pending() == 1
    assert kept() == ["claims:member:m-2:list"]


def test_a_drop_behind_a_slow_message_of_the_same_batch_does_not_wait_for_it(filled: None) -> None:
    """Its lease puts it off by as long as a settlement may take."""
    put(KIND, {"tags": ["member:m-1"]})
    OutboxMessage.objects.update(attempts=1, fence=1, due_at=timezone.now() + datetime.timedelta(seconds=15))

    assert apply_pending() == 1
    assert kept() == ["claims:member:m-2:list"]


def test_a_worker_that_loses_redis_while_it_drops_leaves_them(filled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    put(KIND, {"tags": ["member:m-1"]})

    def lost(*_: object) -> None:
        raise CacheDownError

    with monkeypatch.context() as patch:
        patch.setattr(default_cache().circuit, "run", lost)
        assert apply_pending() == 0
    assert left() == [({"tags": ["member:m-1"]}, True)]

    assert apply_pending() == 1
    assert kept() == ["claims:member:m-2:list"]


def test_a_worker_without_redis_leaves_them(is_cut_off: None) -> None:
    put(KIND, {"tags": ["member:m-1"]})

    assert apply_pending() == 0
    assert left() == [({"tags": ["member:m-1"]}, True)]


def test_what_others_left_is_dropped_before_a_process_uses_redis_again(filled: None, settings: Any) -> None:
    put(KIND, {"tags": ["member:m-1"]})

    with Redis.from_url(settings.REDIS_URL) as redis:
        invalidate_before_return(redis)

    assert kept() == ["claims:member:m-2:list"]
    assert invalidate_before_return in default_cache().circuit._ahead_of_return


def test_everything_is_dropped_then_when_more_was_left_than_is_read_at_a_time(
    filled: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_invalidations, "MOST_AT_ONCE", 2)
    for member in ("m-8", "m-9", "m-1"):
        put(KIND, {"tags": [f"member:{member}"]})

    with Redis.from_url(settings.REDIS_URL) as redis:
        invalidate_before_return(redis)

    assert kept() == []


def test_everything_is_dropped_then_when_the_database_does_not_say_what_was_left(
    filled: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OperationalError("the database is down")

    monkeypatch.setattr("gateway_clients.caching.pending_invalidations.due_invalidations", refuse)

    with Redis.from_url(settings.REDIS_URL) as redis:
        invalidate_before_return(redis)

    assert kept() == []


def test_a_process_that_lost_redis_for_a_moment_answers_when_it_has_told_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(now_and_later, "RETURN_SECONDS", 20.0)
    with monkeypatch.context() as patch:
        patch.setattr(default_cache().circuit, "_is_down", True)
        assert now_and_later.invalidate(("member:m-1",))
        waiting = Running(now_and_later.await_return)
        wait_until(lambda: not invalidations()._nothing_is_kept.is_set())
        assert waiting._thread.is_alive()
        invalidations().apply_kept(default_cache().circuit._connect())

    assert waiting.wait().seconds < 20.0


def test_a_write_of_a_long_outage_does_not_wait_for_its_end(is_cut_off: None) -> None:
    deadline = Deadline.after(10.0)

    write()

    assert not deadline.has_passed
