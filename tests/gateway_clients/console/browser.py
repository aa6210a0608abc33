"""A real browser on the console: what it complains of, and who is signed in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from members.models import Account
from tests.support.programs import program


@contextmanager
def browser_program() -> Iterator[Browser]:
    """Chromium, for as long as the block runs; a test without it is left out, and the end of the run says so."""
    chromium = program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def page_of(browser: Browser, url: str, account: Account, complaints: list[str], **options: Any) -> Page:
    """A page of somebody who is signed in.

    `complaints` are errors of the console, breaches of the content security policy among them, errors of scripts, and
    requests to any other host.
    """
    client = Client()
    client.force_login(account)
    context = browser.new_context(**options)
    cookie: Any = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": f"{url}/admin/"}
    context.add_cookies([cookie])
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(url) else complaints.append(asked.url))
    return page
