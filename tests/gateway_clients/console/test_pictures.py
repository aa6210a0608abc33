"""Each page as it looks, light, dark and on a phone: the pictures of `docs/images`, and nothing wider than its screen.

`CONSOLE_PICTURES=docs/images` has the run write them there.
"""

import os
import socket
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from members.models import Account
from tests.docs.pages import DOCS
from tests.gateway_clients.console import records, scene
from tests.gateway_clients.console.browser import browser_program, page_of
from tests.gateway_clients.console.conftest import PASSWORD

#: Each picture and its page. `resolve` and `submission` are of the row that the scene makes.
PAGES: Final = {
    "overview": "/admin/",
    "breakers": "/admin/console/breaker/",
    "breaker-order": "/admin/console/breaker/payment/change/",
    "cache": "/admin/console/cacheentry/?by=member&text=m-1",
    "cache-drop": "/admin/console/cacheentry/drop/?pattern=claims:*",
    "cache-value": "/admin/console/cacheentry/reveal/?key=claims:member:m-1:list:limit%3D20",
    "requests": "/admin/console/explanation/",
    "explain": f"/admin/console/explanation/{scene.PARTIAL.request_id}/",
    "drift": "/admin/console/contractdrift/",
    "game-days": "/admin/console/gameday/",
    "game-day-start": "/admin/console/gameday/start/",
    "upstreams": "/admin/console/upstream/",
    "submissions": "/admin/claims/submission/",
    "submission": "/admin/claims/submission/{pk}/change/",
    "submission-resolve": "/admin/claims/submission/{pk}/resolve/",
    "outbox": "/admin/gateway_clients/outboxmessage/",
    "accounts": "/admin/members/account/",
    "audit": "/admin/gateway_clients/auditentry/",
    "log": "/admin/admin/logentry/",
}
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
#: Pixels of a picture from its top; what is below is like what is above.
MOST_HIGH: Final = 2400


def test_every_page_has_its_pictures_in_the_docs() -> None:
    kept = {path.name for path in (DOCS / "images").glob("*.png")}
    assert kept == {f"{page}-{look}.png" for page in PAGES for look in LOOKS}


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_no_page_is_wider_than_its_screen(
    live_server: LiveServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    monkeypatch.setattr(socket, "gethostname", lambda: "gateway-b")
    settings.GAME_DAYS = True
    boss = Account.objects.create_superuser("boss@example.com", PASSWORD, name="Ayu Lestari")
    scene.play_all()
    scene.play_deeds(boss)
    row = records.play_submissions()
    records.play_accounts()
    records.play_trail(boss)
    place = Path(os.environ.get("CONSOLE_PICTURES", tmp_path))
    complaints: list[str] = []
    too_wide: dict[str, int] = {}
    with browser_program() as browser:
        for look in LOOKS:
            too_wide |= _photographed(
                browser, live_server.url, boss, look, place, pk=str(row.pk), complaints=complaints
            )
    assert too_wide == {}
    assert complaints == []


def _photographed(
    browser: Browser, url: str, boss: Account, look: str, place: Path, *, pk: str, complaints: list[str]
) -> dict[str, int]:
    """Takes the pictures of one look; by how many pixels which page is too wide."""
    page = page_of(browser, url, boss, complaints, **LOOKS[look])
    too_wide = {}
    for name, address in PAGES.items():
        page.goto(f"{url}{address.format(pk=pk)}")
        wide, high = page.evaluate(
            "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight]"
        )
        if wide > 0:
            too_wide[f"{name}-{look}"] = wide
        clip = {**LOOKS[look]["viewport"], "x": 0, "y": 0, "height": min(high, MOST_HIGH)}
        page.screenshot(path=place / f"{name}-{look}.png", full_page=True, clip=clip)
    page.context.close()
    return too_wide
