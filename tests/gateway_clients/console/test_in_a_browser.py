"""The console in a real browser: nothing is blocked by the content security policy or runs off a small screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.breaker_sync import breaker_sync
from members.models import Account
from tests.gateway_clients.console.conftest import PASSWORD
from tests.support.programs import program

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
PAGES = {
    "index": "/admin/",
    "breakers": "/admin/console/breaker/",
    "order": "/admin/console/breaker/claims/change/",
    "entries": "/admin/console/cacheentry/?pattern=*",
    "drop": "/admin/console/cacheentry/drop/?pattern=claims:*",
    "upstreams": "/admin/console/upstream/",
}
WIDTHS = (360, 1280)


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(complaints: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    chromium = program("chromium", "chromium-browser", "google-chrome")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()


def test_staff_sign_in_force_a_breaker_open_and_drop_entries(
    page: Page, live_server: LiveServer, complaints: list[str], tmp_path: Path
) -> None:
    boss = Account.objects.create_superuser("boss@example.com", PASSWORD)
    for _ in range(5):
        upstream("payment").breaker.admit().failed(0.1)
    for member in range(3):
        default_cache().set(CacheKey(DataClass.CLAIMS, "list:limit=20", Subject.member(f"m-{member}")), "value")
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("E-mail").fill(boss.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    page.goto(f"{live_server.url}{PAGES['breakers']}")
    page.get_by_role("link", name="Change the breaker of claims").click()
    page.get_by_label("Open: refuse every call").check()
    page.get_by_label("Reason").fill("maintenance tonight")
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("It holds in every process within a second").wait_for()
    assert set(breaker_sync().orders()) == {"claims"}
    breaker_sync().read_rulings()

    for name, address in PAGES.items():
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{live_server.url}{address}")
            page.screenshot(path=tmp_path / f"{name}-{width}.png", full_page=True)
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{name} is {overflow} px too wide at {width}"

    page.goto(f"{live_server.url}{PAGES['drop']}")
    page.get_by_label("Reason").fill("imported wrongly")
    page.get_by_role("button", name="Drop").click()
    page.get_by_text("3 entries dropped").wait_for()
    assert complaints == []
