"""What staff do in an incident, in a real browser, beside a portal that goes on asking a gateway with its sandbox."""

import uuid
from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Q
from django.test import Client
from playwright.sync_api import Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from gateway_clients.caching.inspection import count_matching
from gateway_clients.caching.store import default_cache
from gateway_clients.console.groups import GROUPS
from gateway_clients.console.models import GameDay
from gateway_clients.edge.http.observation import sampler
from gateway_clients.fleet.pulse import pulse
from gateway_clients.models import BreakerOverride
from gateway_clients.pipeline.upstreams import admission, upstream
from gateway_clients.resilience.breaker_sync import breaker_sync
from members import token_families
from members.models import Account
from sandbox.testing import Sandbox
from tests.gateway_clients.console.browser import browser_program, page_of
from tests.gateway_clients.console.conftest import PASSWORD

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
DASHBOARD = "/api/v1/dashboard/m-1"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def portal(running: Sandbox, settings: Settings) -> Callable[..., Any]:
    """Asks for the dashboard past the cache; the answer's request id is one that is new."""
    running.clear()
    settings.RATE_LIMIT_MAX = 100_000
    for name, url in running.urls.items():
        setattr(settings, name, url)
    sampler.cache_clear()
    token = token_families.begin(Account.objects.create_user("siti@example.com", PASSWORD, member_id="m-1")).access
    client = Client(headers={"Authorization": f"Bearer {token}"})

    def ask(*, is_fresh: bool = True) -> Any:
        headers = {"X-Request-ID": uuid.uuid4().hex, **({"Cache-Control": "no-cache"} if is_fresh else {})}
        return client.get(DASHBOARD, headers=headers)

    return ask


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(live_server: LiveServer, complaints: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """The browser of somebody who may do everything; at the end nothing was complained of."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with browser_program() as browser:
        boss = Account.objects.create_superuser("boss@example.com", PASSWORD)
        yield page_of(browser, live_server.url, boss, complaints, base_url=live_server.url)
    assert complaints == []


def explain(page: Page, answer: Any) -> None:
    pulse().beat()
    page.goto("/admin/console/explanation/")
    page.get_by_label("Request id").fill(answer.headers["X-Request-ID"])
    page.get_by_role("button", name="Explain").click()


def test_a_breaker_is_forced_open_a_dashboard_degrades_the_page_shows_it_and_it_ends(
    page: Page, portal: Callable[..., Any]
) -> None:
    assert portal().json()["meta"]["complete"] is True
    page.goto("/admin/console/breaker/")
    page.get_by_role("link", name="Change the breaker of benefit").click()
    page.get_by_label("Open: refuse every call").check()
    page.get_by_label("Ends after").select_option("5 minutes")
    page.get_by_label("Reason").fill("its owners asked for it")
    page.get_by_label("Ticket").fill("OPS-7")
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("It holds in every process within a second").wait_for()
    breaker_sync().read_rulings()

    answer = portal(is_fresh=False)
    for _ in range(2):
        answer = portal()
    assert answer.json()["meta"]["complete"] is False
    pulse().beat()
    page.goto("/admin/")
    page.get_by_role("heading", name="benefit is forced open by staff").wait_for()
    page.get_by_text("/dashboard/{member_id}: ").first.wait_for()

    BreakerOverride.objects.update(until="2026-01-01T00:00:00Z")
    breaker_sync().read_rulings()
    assert portal().json()["meta"]["complete"] is True
    page.reload()
    assert page.get_by_role("heading", name="benefit is forced open by staff").count() == 0


def test_a_members_entries_are_found_and_dropped(page: Page, portal: Callable[..., Any]) -> None:
    portal()
    before, _ = count_matching(default_cache().circuit, "*:member:m-1:*")
    assert before > 3
    page.goto("/admin/console/cacheentry/")
    page.get_by_label("Find by").select_option("member")
    page.get_by_label("Id or pattern").fill("m-1")
    page.get_by_role("button", name="Look up").click()
    page.get_by_role("link", name="Drop all that match").click()
    page.get_by_text(f"{before} entries match.").wait_for()
    page.get_by_label("Reason").fill("the member asked")
    page.get_by_role("button", name="Drop").click()
    page.get_by_text(f"{before} entries dropped").wait_for()
    assert count_matching(default_cache().circuit, "*:member:m-1:*") == (0, True)


def test_a_value_is_revealed_for_a_reason_that_stands_in_the_audit_trail(
    page: Page, portal: Callable[..., Any]
) -> None:
    portal()
    page.goto("/admin/console/cacheentry/?by=member&text=m-1")
    page.get_by_role("link", name="Value of member:member:m-1").first.click()
    page.get_by_label("Reason").fill("ticket 4711")
    page.get_by_role("button", name="Show it").click()
    page.get_by_label("Value", exact=True).wait_for()
    assert '"text"' in page.get_by_label("Value", exact=True).inner_text()

    page.goto("/admin/gateway_clients/auditentry/?q=m-1")
    page.get_by_text("console.reveal_masked").first.wait_for()


def test_a_partial_a_slow_and_a_shed_request_are_explained(
    page: Page, portal: Callable[..., Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream("benefit").breaker.open()
    explain(page, portal())
    page.get_by_text("Its answer was not whole.").wait_for()
    page.get_by_text("circuit_open").first.wait_for()

    upstream("benefit").breaker.close()
    settings.GAME_DAYS = True
    start_game_day(page, "Delay", percent="100", delay="1200")
    slow = portal()
    assert slow.json()["meta"]["complete"] is True
    explain(page, slow)
    page.get_by_text("It was slow.").wait_for()
    assert page.locator(".console-bars").count() > 3

    monkeypatch.setattr(type(admission()), "try_enter", lambda _: False)
    shed = portal()
    monkeypatch.undo()
    assert shed.status_code == 503
    explain(page, shed)
    page.get_by_text("It was shed").wait_for()


def start_game_day(page: Page, kind: str, *, percent: str, delay: str = "0") -> None:
    page.goto("/admin/console/gameday/")
    page.get_by_role("link", name="Start a game day").click()
    page.get_by_label("Upstream").select_option("benefit")
    page.get_by_label("Fault").select_option(label=next(x for x in KINDS if x.startswith(kind)))
    page.get_by_label("Share of the calls").fill(percent)
    page.get_by_label("Delay in milliseconds").fill(delay)
    page.get_by_label("Reason").fill("an exercise")
    page.get_by_role("button", name="Start it").click()
    page.get_by_text("it begins within a second or two").wait_for()
    pulse().beat()


KINDS = ("Delay: calls take longer", "Errors: calls are answered 503", "Hang: calls are not answered")


def test_a_game_day_goes_from_its_start_to_its_report(
    page: Page, portal: Callable[..., Any], settings: Settings
) -> None:
    settings.GAME_DAYS = True
    assert portal().json()["meta"]["complete"] is True
    pulse().beat()
    start_game_day(page, "Errors", percent="100")
    assert portal().json()["meta"]["complete"] is False
    pulse().beat()
    page.goto("/admin/console/gameday/")
    page.get_by_role("button", name="End that of benefit now").click()
    page.get_by_text("it ends within a second or two").wait_for()
    pulse().beat()
    page.get_by_text("over", exact=True).wait_for()
    page.get_by_role("rowheader", name="/dashboard/{member_id}").wait_for()
    assert GameDay.objects.get().report["views"]["/dashboard/{member_id}"]["partial"] >= 1
    upstream("benefit").breaker.close()
    assert portal().json()["meta"]["complete"] is True


def test_a_viewer_sees_no_lever_and_cannot_call_one(
    page: Page, live_server: LiveServer, complaints: list[str], portal: Callable[..., Any], settings: Settings
) -> None:
    settings.GAME_DAYS = True
    portal()
    viewer = Account.objects.create_user("viewer@example.com", PASSWORD, is_staff=True)
    # Tests that commit leave no groups behind.
    wanted = [Q(content_type__app_label=app, codename=codename) for app, codename in GROUPS["Gateway: see"]]
    viewer.user_permissions.set(Permission.objects.filter(reduce(or_, wanted)))
    browser = page.context.browser
    assert browser is not None
    seeing = page_of(browser, live_server.url, viewer, complaints, base_url=live_server.url)
    for address in ("breaker/", "cacheentry/?by=member&text=m-1", "gameday/"):
        seeing.goto(f"/admin/console/{address}")
        for word in ("Change", "Drop", "Value", "Start a game day"):
            assert seeing.locator("#content").get_by_role("link", name=word).count() == 0, (address, word)
    for address in ("breaker/claims/change/", "cacheentry/drop/?pattern=*", "cacheentry/reveal/?key=x"):
        answer = seeing.request.post(f"/admin/console/{address}", form={"reason": "x", "action": "forced_open"})
        assert answer.status == 403
    assert breaker_sync().orders() == {}
