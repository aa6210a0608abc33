"""A portal in a real browser: its script, bundled once, served from an origin of its own, and pages that show it."""

import functools
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from gateway_clients.edge.rest.documentation import PAGES
from members.models import Account
from sandbox.testing import Sandbox
from tests.docs.pages import DOCS
from tests.support.programs import program
from tests.support.well_upstreams import running, sandbox

__all__ = ["running", "sandbox"]

HERE: Final = Path(__file__).parent
PROGRAM: Final = re.compile(r"^```ts\n(// ([a-z-]+\.ts)\n.*?)^```$", re.MULTILINE | re.DOTALL)
EMAIL: Final = "portal@example.com"
PASSWORD: Final = "a-long-password"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portal with all that it needs, among it the programs of the pages for portal developers."""
    npm = program("npm")
    place = tmp_path_factory.mktemp("portal") / "project"
    shutil.copytree(HERE, place, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    for file in PAGES.values():
        for text, name in PROGRAM.findall((DOCS / file).read_text()):
            (place / name).write_text(text)
    done = subprocess.run([npm, "ci"], cwd=place, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def origin(project: Path, live_server: Any, sandbox: Sandbox, settings: Any) -> Iterator[str]:
    """Where the portal is served from: an origin that the gateway's operator has listed, and not the gateway's own."""
    (project / "config.ts").write_text(f"export const GATEWAY = '{live_server.url}';\n")
    bundled = subprocess.run(
        [program("node"), "bundle.mjs"], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert bundled.returncode == 0, bundled.stderr
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(project)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    settings.CORS_ALLOWED_ORIGINS = [url]
    yield url
    server.shutdown()
    server.server_close()


@pytest.fixture
def account(transactional_db: None) -> Account:
    return Account.objects.create_user(EMAIL, PASSWORD, name="Siti Rahayu", member_id="m-1")


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserContext]:
    chromium = program("chromium", "chromium-browser", "google-chrome")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = started.new_context()
        context.set_default_timeout(30_000)
        yield context
        started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What went wrong in the pages by itself, such as an answer that another origin may not read."""
    return []


@pytest.fixture
def portal(browser: BrowserContext, origin: str, account: Account, complaints: list[str]) -> Callable[[], Page]:
    """Opens the portal in a tab of its own."""

    def opened() -> Page:
        page = browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "CORS" in said.text else None)
        page.goto(origin)
        return page

    return opened


@pytest.fixture
def signed_in(portal: Callable[[], Page]) -> Page:
    """A tab whose user has signed in."""
    page = portal()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#user", has_text="Siti Rahayu").wait_for()
    return page
