"""The console in a real browser, once: the overview renews itself, and nothing is complained of."""

import pytest
from pytest_django.live_server_helper import LiveServer

from gateway_clients.pipeline.upstreams import upstream
from members.models import Account
from tests.gateway_clients.console.browser import browser_program, page_of
from tests.gateway_clients.console.conftest import PASSWORD


@pytest.mark.django_db(transaction=True)
def test_the_overview_renews_itself_in_a_browser(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    complaints: list[str] = []
    with browser_program() as browser:
        boss = Account.objects.create_superuser("boss@example.com", PASSWORD)
        page = page_of(browser, live_server.url, boss, complaints)
        page.clock.install()
        page.goto(f"{live_server.url}/admin/")
        page.get_by_text("All is well.").wait_for()
        upstream("claims").breaker.open()
        page.clock.run_for(5_000)

        page.get_by_role("heading", name="claims fails: its breaker is open").wait_for()
    assert complaints == []
