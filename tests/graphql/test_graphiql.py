"""GraphiQL from the gateway's own files, under the strict policy, with examples that work in the demo."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from members import demo
from tests.support.gateway import ROOT
from tests.support.programs import program

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_browser_gets_the_page(as_) -> None:
    answer = as_(None).get("/graphql", headers={"Accept": HTML})

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"<script>" not in answer.content
    assert b"http" not in answer.content.replace(b"http-equiv", b"")
    assert not answer.cookies


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", "application/json, text/html;q=0.9"])
def test_others_get_answers(accept: str, as_) -> None:
    answer = as_(None).get("/graphql", {"query": "{ __typename }"}, headers={"Accept": accept})

    assert answer.json() == {"data": {"__typename": "Query"}}


def test_it_can_be_switched_off(as_, settings) -> None:
    settings.GRAPHIQL = False

    assert as_(None).get("/graphql", headers={"Accept": HTML}).status_code == 400


@pytest.fixture
def page(live_server: Any, sandbox: Any) -> Iterator[Any]:
    """A page of a headless browser; its `problems` are what the console complained of."""
    from playwright.sync_api import sync_playwright

    browser_program = program("chromium", "chromium-browser", "google-chrome")
    demo.load()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.problems = []
        page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(f"{live_server.url}/graphql")
        yield page
        browser.close()


def test_the_examples_are_documents_of_the_schema() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    script = (ROOT / "gateway_clients" / "static" / "gateway" / "graphiql.js").read_text()
    examples = re.findall(r"const [A-Z_]+ = `([^`]*)`", script)

    assert len(examples) == 4
    assert [error.message for example in examples for error in validate(schema, parse(example))] == []


@pytest.mark.long
def test_every_example_works_in_the_demo(page, monkeypatch) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    page.get_by_role("tab").first.wait_for()

    for number in range(page.get_by_role("tab").count()):
        page.get_by_role("tab").nth(number).click()
        page.locator(".graphiql-execute-button").click()
        page.locator(".result-window").get_by_text('"data"').wait_for()
        shown = page.locator(".result-window").inner_text()
        assert '"errors"' not in shown, shown

    assert page.locator("#account").inner_text() == "Signed in as Siti Rahayu."
    assert page.problems == []
