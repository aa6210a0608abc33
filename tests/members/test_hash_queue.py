"""Passwords are hashed one after the other; who would wait for too long is refused before anything is done."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client

from gateway_clients.edge.errors import OverloadedError
from gateway_clients.resilience.deadline import Deadline
from members import hash_queue, hashers
from members.hash_queue import HashQueue
from members.models import Account
from tests.support.waiting import wait_until

PASSWORD = "a-good-password"
HASHERS = ["members.hashers.AccountPasswordHasher", "members.hashers.EarlierPasswordHasher"]


class Work:
    """Work that goes on until it is let go, and knows how much of it goes on at a time."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.begun = threading.Semaphore(0)
        self.going_on = self.most = 0

    def __call__(self) -> str:
        self.going_on += 1
        self.most = max(self.most, self.going_on)
        self.begun.release()
        assert self.may_end.wait(20)
        self.going_on -= 1
        return "done"


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def hold(queue: HashQueue, crowd: ThreadPoolExecutor, work: Work, waiting: int) -> list[Future[str]]:
    """One inside, and so many behind it."""
    first = crowd.submit(queue.run, work)
    assert work.begun.acquire(timeout=20)
    others = [crowd.submit(queue.run, work) for _ in range(waiting)]
    wait_until(lambda: queue.inside == waiting + 1)
    return [first, *others]


def test_one_at_a_time_and_the_others_in_turn(crowd: ThreadPoolExecutor) -> None:
    queue, work = HashQueue(), Work()
    held = hold(queue, crowd, work, waiting=20)
    work.may_end.set()

    assert [each.result(20) for each in held] == ["done"] * 21
    assert (work.most, queue.inside) == (1, 0)


def test_more_than_may_wait_are_refused_at_once_and_the_others_are_not(crowd: ThreadPoolExecutor) -> None:
    queue, work = HashQueue(most_waiting=3, longest_wait_seconds=600), Work()
    held = hold(queue, crowd, work, waiting=3)

    with pytest.raises(OverloadedError) as refused:
        queue.run(work)

    assert (refused.value.status, refused.value.code, refused.value.retry_after_seconds) == (503, "overloaded", 2)
    work.may_end.set()
    assert [each.result(20) for each in held] == ["done"] * 4


@pytest.mark.parametrize("by", [None, 0.05])
def test_who_has_no_time_left_is_refused_and_leaves_no_trace(crowd: ThreadPoolExecutor, by: float | None) -> None:
    queue, work = HashQueue(longest_wait_seconds=0.05 if by is None else 600), Work()
    held = hold(queue, crowd, work, waiting=0)

    with pytest.raises(OverloadedError), hash_queue.by(Deadline.after(by or 600)):
        queue.run(work)

    assert queue.inside == 1
    work.may_end.set()
    assert held[0].result(20) == "done"
    assert queue.run(lambda: "again") == "again"
    assert work.begun.acquire(blocking=False) is False


def test_who_would_wait_for_too_long_is_refused_without_waiting(crowd: ThreadPoolExecutor) -> None:
    now = [0.0]
    queue, work = HashQueue(longest_wait_seconds=600, clock=lambda: now[0]), Work()

    def take_long() -> None:
        now[0] += 2_000

    queue.run(take_long)
    held = hold(queue, crowd, work, waiting=1)

    with pytest.raises(OverloadedError):
        queue.run(work)

    work.may_end.set()
    assert [each.result(20) for each in held] == ["done"] * 2


def test_what_fails_fails_where_it_was_asked_for_and_the_next_is_served() -> None:
    queue = HashQueue()

    with pytest.raises(ZeroDivisionError):
        queue.run(lambda: 1 // 0)

    assert (queue.run(lambda: 7), queue.inside) == (7, 0)


def test_who_gets_no_thread_is_refused_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    queue, done = HashQueue(most_waiting=1), []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        for _ in range(3):
            with pytest.raises(OverloadedError):
                queue.run(lambda: done.append("late"))

    assert queue.inside == 0
    assert queue.run(lambda: 7) == 7
    assert done == []


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")


def test_work_within_work_needs_no_turn_of_its_own() -> None:
    queue = HashQueue(most_waiting=0)

    assert queue.run(lambda: queue.run(lambda: 7)) == 7


@pytest.mark.parametrize("hasher", ["argon2", "pbkdf2_sha256"])
def test_every_hasher_goes_through_the_door(settings: Any, monkeypatch: pytest.MonkeyPatch, hasher: str) -> None:
    settings.PASSWORD_HASHERS = HASHERS
    monkeypatch.setattr(hashers.EarlierPasswordHasher, "iterations", 2)
    kept = make_password(PASSWORD, hasher=hasher)
    assert (check_password(PASSWORD, kept), check_password("wrong", kept)) == (True, False)
    monkeypatch.setattr(hashers, "hash_queue", lambda: HashQueue(most_waiting=-1))

    with pytest.raises(OverloadedError):
        make_password(PASSWORD, hasher=hasher)
    with pytest.raises(OverloadedError):
        check_password(PASSWORD, kept)


@pytest.fixture
def shut(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Shuts the queue when told."""
    settings.PASSWORD_HASHERS = HASHERS[:1]
    return lambda: monkeypatch.setattr(hashers, "hash_queue", lambda: HashQueue(most_waiting=-1))


@pytest.mark.django_db
def test_every_way_to_a_password_answers_503_while_the_door_is_shut(
    portal: Client, signed_in: Callable[..., Client], shut: Callable[[], None]
) -> None:
    Account.objects.create_superuser("root@example.com", PASSWORD)
    member, root = signed_in(), Client(raise_request_exception=False)
    root.force_login(Account.objects.get(email="root@example.com"))
    shut()
    api, json = "/api/v1/auth", "application/json"
    given, unknown = ({"email": f"{who}@example.com", "password": PASSWORD} for who in ("root", "nobody"))
    change = {"current_password": PASSWORD, "new_password": "quite-another-one"}
    form = {"password1": "quite-another-one", "password2": "quite-another-one"}
    login = f'mutation {{ login(email: "root@example.com", password: "{PASSWORD}") {{ accessToken }} }}'

    shown = [
        portal.post(f"{api}/login", given, json),
        portal.post(f"{api}/login", unknown, json),
        member.post(f"{api}/password", change, json),
    ]
    graphql = portal.post("/graphql", {"query": login}, json)
    staff = [
        portal.post("/admin/login/", {"username": "root@example.com", "password": PASSWORD}),
        root.post("/admin/members/account/add/", {"email": "new@example.com", **form}),
        root.post(f"/admin/members/account/{Account.objects.all()[0].pk}/password/", form),
        root.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": "x", "new_password2": "x"}),
    ]

    assert [answer.json()["code"] for answer in shown] == ["overloaded"] * 3
    assert graphql.json()["data"] == {"login": None}
    assert graphql.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
    for answer in (*shown, graphql, *staff):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2"), answer.content
    assert all("Try again in a moment" in answer.content.decode() for answer in staff)
    assert Account.objects.count() == 2
