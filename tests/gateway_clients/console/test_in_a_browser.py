"""The console in a real browser: signing in, every page by eye and by axe, light, dark and on a phone."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.breaker_sync import breaker_sync
from members.models import Account
from tests.gateway_clients.console import scene
from tests.gateway_clients.console.browser import browser_program, page_of
from tests.gateway_clients.console.conftest import PASSWORD
from tests.support.programs import program

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
PAGES = {
    "index": "/admin/",
    "breakers": "/admin/console/breaker/",
    "order": "/admin/console/breaker/claims/change/",
    "entries": "/admin/console/cacheentry/?pattern=*",
    "drop": "/admin/console/cacheentry/drop/?pattern=claims:*",
    "reveal": "/admin/console/cacheentry/reveal/?key=claims:member:m-1:list:limit%3D20",
    "upstreams": "/admin/console/upstream/",
    "overview": "/admin/console/overview/",
    "explanations": "/admin/console/explanation/",
    "explanation": f"/admin/console/explanation/{scene.PARTIAL.request_id}/",
    "drift": "/admin/console/contractdrift/",
    "game-days": "/admin/console/gameday/",
    "game-day": "/admin/console/gameday/start/",
    "log": "/admin/admin/logentry/",
    "submissions": "/admin/claims/submission/",
    "accounts": "/admin/members/account/",
}
WIDTHS = (360, 1280)
NODE = Path(__file__).resolve().parents[2] / "node"
#: Axe's names for what keeps somebody from using a page.
SERIOUS = ("serious", "critical")


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(complaints: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with browser_program() as browser:
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, as npm has it."""
    place = tmp_path_factory.mktemp("axe") / "project"
    shutil.copytree(NODE, place, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run([program("npm"), "ci"], cwd=place, check=True, capture_output=True, timeout=120)
    return (place / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_nothing_serious_on_any_page(
    live_server: LiveServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, axe: str, scheme: str, width: int
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.GAME_DAYS = True
    complaints: list[str] = []
    found = {}
    with browser_program() as browser:
        boss = Account.objects.create_superuser("boss@example.com", PASSWORD)
        scene.play_all()
        scene.play_deeds(boss)
        page = page_of(
            browser,
            live_server.url,
            boss,
            complaints,
            color_scheme=scheme,
            viewport={"width": width, "height": 900},
        )
        for name, address in PAGES.items():
            page.goto(f"{live_server.url}{address}")
            page.evaluate(axe)
            results = page.evaluate("axe.run(document.querySelector('#content'), {resultTypes: ['violations']})")
            found |= {
                f"{name}: {each['id']}": [node["target"] for node in each["nodes"]][:3]
                for each in results["violations"]
                if each["impact"] in SERIOUS
            }
    assert found == {}
    assert complaints == []


def test_staff_sign_in_force_a_breaker_open_and_drop_entries(
    page: Page, live_server: LiveServer, complaints: list[str], tmp_path: Path, settings: Settings
) -> None:
    settings.GAME_DAYS = True
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
