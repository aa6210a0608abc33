"""Readers on every process while events, contact changes and submissions arrive: nothing old after the answer."""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final
from urllib.parse import quote

import pytest

from sandbox.services.claims import STATUSES
from sandbox.testing import Sandbox
from tests.events.signing import SECRET, body_of, headers_of
from tests.load.conftest import Start, StartWorker
from tests.load.old_values import Changed, Logs, Old
from tests.support.gateway import Reply, RunningGateway
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim

pytestmark = [pytest.mark.alone, pytest.mark.long]

SECONDS: Final = 60.0
EXPIRED_SECONDS: Final = 20.0
READERS_OF_EACH: Final = 4
LEAST_CHANGES: Final = 50
JSON: Final = {"Content-Type": "application/json"}
_numbers: Final = count()


def new_request_id() -> str:
    """One that no other request has."""
    return f"never-old-{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Page:
    """Where a story's value is read, and how it stands in the answer."""

    path: str
    value: Callable[[Any], Any]


@dataclass(eq=False, slots=True)
class Story:
    """A value that changes again and again: each in turn, those acknowledged by number, and what readers saw of it.

    `change` brings a new value about through one of the gateways; it returns the id of the request that acknowledged
    it.
    """

    name: str
    pages: tuple[Page, ...]
    change: Callable[["Story", RunningGateway], str]
    values: list[Any] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=lambda: [Changed("", 0.0)])
    reads: int = 0
    near: int = 0
    expired: int = 0
    old: list[Old] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """The number of the last value that was acknowledged."""
        return len(self.changes) - 1

    def read(self, gateway: RunningGateway) -> None:
        """One read of one of its pages; what it shows must be no older than what was acknowledged before it began."""
        page, least, request_id = random.choice(self.pages), self.acknowledged, new_request_id()
        began, began_at = datetime.now(UTC), time.monotonic()
        reply = gateway.get(page.path, X_Request_ID=request_id)
        ended = datetime.now(UTC)
        if reply.status != 200:
            return
        seen = page.value(reply.json)
        newest = max((number for number, value in enumerate(self.values) if value == seen), default=-1)
        self.reads += 1
        self.near += reply.headers.get("cache-status", "").endswith("detail=near")
        self.expired += "ttl=-" in reply.headers.get("cache-status", "")
        if newest < least:
            missed = self.changes[newest + 1]
            told = {name: reply.headers.get(name) for name in ("cache-status", "server-timing")}
            what = f"{page.path} shows {seen}: {newest} of {least}, {told}"
            self.old.append(Old(what, gateway, request_id, missed, began_at - missed.at, began, ended))


def acknowledged(ask: Callable[[str], Reply], status: int) -> str:
    """The id of the request that got this status: SQLite refuses a second writer at times, and the portal repeats."""

    def asked() -> str | None:
        request_id = new_request_id()
        return request_id if ask(request_id).status == status else None

    return wait_until(asked, seconds=20)


def graphql(query: str) -> str:
    return f"/graphql?query={quote(query)}"


def event_story(sandbox: Sandbox, gateway: RunningGateway) -> Story:
    """A claim goes through the statuses; the claims service tells of each."""
    claim = gateway.get("/api/v1/dashboard/m-2").json["recent_claims"][0]
    claim_id, port = claim["id"], int(sandbox.url("claims").rpartition(":")[2])

    def status_in(claims: list[dict[str, Any]]) -> str:
        return next(str(each["status"]) for each in claims if each["id"] == claim_id)

    def change(story: Story, gateway: RunningGateway) -> str:
        status = STATUSES[(STATUSES.index(story.values[-1]) + 1) % len(STATUSES)]
        story.values.append(status)
        body = json.dumps({"status": status}).encode()
        move = f"/_sandbox/claims/{claim_id}/status"
        assert gateway.ask("POST", move, port=port, headers=JSON, body=body).status == 200
        event = body_of("claim.status.changed", claim_id=claim_id, member_id="m-2", status=status)
        headers = {**headers_of(event), **JSON}
        return acknowledged(
            lambda request_id: gateway.ask(
                "POST", "/api/v1/events", headers={**headers, "X-Request-ID": request_id}, body=event
            ),
            202,
        )

    pages = (
        Page("/api/v1/dashboard/m-2", lambda body: status_in(body["recent_claims"])),
        Page("/api/v1/dashboard/m-2?sections=recent_claims,benefits_summary", lambda b: status_in(b["recent_claims"])),
        Page("/api/v1/claims/m-2", lambda body: status_in(body["claims"])),
        Page(f"/api/v1/claims/m-2/{claim_id}", lambda body: body["status"]),
        Page(
            graphql('{ memberDashboard(memberId: "m-2") { name recentClaims { id status } } }'),
            lambda body: status_in(body["data"]["memberDashboard"]["recentClaims"]),
        ),
    )
    return Story("an event", pages, change, [claim["status"]])


def write_story(gateway: RunningGateway, *, member_id: str = "m-3", writer: str = "admin") -> Story:
    """A member's telephone number is changed."""
    page = f"/api/v1/members/{member_id}"

    def change(story: Story, gateway: RunningGateway) -> str:
        phone = f"+62 811 {len(story.values):06}"
        story.values.append(phone)
        body, headers = json.dumps({"phone": phone}).encode(), {**gateway.headers_of(writer), **JSON}
        return acknowledged(
            lambda request_id: gateway.ask("PATCH", page, headers={**headers, "X-Request-ID": request_id}, body=body),
            200,
        )

    pages = (
        Page(page, lambda body: body["personal"]["phone"]),
        Page(f"{page}?sections=personal,coverage", lambda body: body["personal"]["phone"]),
        Page(
            graphql(f'{{ memberProfile(memberId: "{member_id}") {{ personal {{ phone }} coverage {{ planName }} }} }}'),
            lambda body: body["data"]["memberProfile"]["personal"]["phone"],
        ),
    )
    return Story("a write", pages, change, [gateway.get(page).json["personal"]["phone"]])


def submission_story(gateway: RunningGateway) -> Story:
    """A member submits claims."""
    numbers = count()

    def change(story: Story, gateway: RunningGateway) -> str:
        body = json.dumps(a_claim()).encode()
        headers = {**gateway.headers_of(), **JSON, "Idempotency-Key": f"claim-{next(numbers)}"}
        story.values.append(story.values[-1] + 1)
        return acknowledged(
            lambda request_id: gateway.ask(
                "POST", "/api/v1/claims", headers={**headers, "X-Request-ID": request_id}, body=body
            ),
            201,
        )

    pages = (
        Page("/api/v1/claims/m-1", lambda body: body["total"]),
        Page("/api/v1/claims?member_id=m-1&limit=5", lambda body: body["total"]),
    )
    return Story("a submission", pages, change, [gateway.get("/api/v1/claims/m-1").json["total"]])


@pytest.mark.timeout(300)
def test_nobody_is_shown_the_old_value_after_the_answer(
    start: Start, start_worker: StartWorker, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    gateways = [start(EVENTS_WEBHOOK_SECRET=SECRET, WORKERS="2") for _ in range(2)]
    start_worker(gateways[0])
    for gateway in gateways:
        gateway.token("admin")
    stories = [event_story(sandbox, gateways[0]), write_story(gateways[0]), submission_story(gateways[0])]

    play(stories, gateways, SECONDS)

    tell(stories, gateways, capsys)
    assert sum(story.near for story in stories) > LEAST_CHANGES
    assert {story.name: story.acknowledged for story in stories if story.acknowledged < LEAST_CHANGES} == {}


@pytest.mark.timeout(300)
def test_nor_where_what_is_just_past_its_time_answers(
    start: Start, start_worker: StartWorker, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Entries are fresh for a moment only, so that most of what is read is past its time."""
    classes = ("DASHBOARD", "CLAIMS", "MEMBER", "COVERAGE", "BENEFITS", "NOTIFICATIONS")
    lives = {f"CACHE_TTL_SECONDS_{name}": "0.02" for name in classes}
    lives |= {f"CACHE_REVALIDATE_SECONDS_{name}": "30" for name in classes[1:]}
    gateways = [start(EVENTS_WEBHOOK_SECRET=SECRET, WORKERS="2", **lives) for _ in range(2)]
    start_worker(gateways[0])
    for gateway in gateways:
        gateway.token("admin")
    stories = [event_story(sandbox, gateways[0]), write_story(gateways[0], member_id="m-1", writer="member")]

    play(stories, gateways, EXPIRED_SECONDS)

    tell(stories, gateways, capsys)
    assert {story.name: story.expired for story in stories if story.expired < LEAST_CHANGES} == {}


def play(stories: Sequence[Story], gateways: Sequence[RunningGateway], seconds: float) -> None:
    """Changes the stories' values for so many seconds while readers of each read. Raises what a thread raised."""
    end = time.monotonic() + seconds
    failures: list[BaseException] = []

    def repeat(step: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                while time.monotonic() < end and not failures:
                    step()
            except BaseException as error:  # noqa: BLE001 - raised again by the test's own thread
                failures.append(error)

        return run

    def change(story: Story) -> None:
        request_id = story.change(story, random.choice(gateways))
        story.changes.append(Changed(request_id, time.monotonic()))
        # Readers get to see it kept before it changes again.
        seen = story.reads
        wait_until(lambda: story.reads >= seen + READERS_OF_EACH or time.monotonic() >= end, seconds=seconds + 20)

    steps = [lambda story=story: change(story) for story in stories]
    steps += [lambda story=story: story.read(random.choice(gateways)) for story in stories] * READERS_OF_EACH
    threads = [threading.Thread(target=repeat(step)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def tell(stories: Sequence[Story], gateways: Sequence[RunningGateway], capsys: pytest.CaptureFixture[str]) -> None:
    """Says how the stories went. Raises AssertionError for an old value that the overview does not allow."""
    logs = Logs(gateways)
    for story in stories:
        allowed = sum(map(logs.is_allowed, story.old))
        kept = f"{story.near} near, {story.expired} past their time"
        counts = f"{story.acknowledged} changes, {story.reads} reads ({kept}), {len(story.old)} old values"
        with capsys.disabled():
            print(f"\n{story.name}: {counts}, {allowed} allowed", end="")
    wrong = [old for story in stories for old in story.old if not logs.is_allowed(old)]
    assert wrong == [], "\n".join(str(line) for old in wrong for line in (old, *logs.around(old)))
