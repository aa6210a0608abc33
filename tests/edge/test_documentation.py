"""The pages for portal developers as the gateway serves them: open, not counted, whole, and nothing but text."""

import re

import pytest
from django.test import Client

from gateway_clients.edge.rest.documentation import PAGES, StrayLinkError, page_of
from gateway_clients.errors import ErrorCode
from tests.docs.pages import DOCS

pytestmark = pytest.mark.django_db
ADDRESSES = [f"/docs/{name}" for name in PAGES]
POLICY = {
    *("default-src 'none'", "style-src 'self'", "img-src 'self'"),
    *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
}


def served(address: str) -> str:
    answer = Client().get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_open_to_all_counted_for_nobody_and_loads_nothing_but_its_own_style(address: str) -> None:
    answer = Client().get(address)

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "RateLimit" not in answer
    assert set(answer["Content-Security-Policy"].split("; ")) == POLICY
    assert answer["Cache-Control"] == "public, max-age=300"
    assert "<script" not in answer.content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_link_of_a_page_leads_somewhere_and_to_an_anchor_that_is_there(address: str) -> None:
    client = Client()
    for link in set(re.findall(r'href="(/[^"]*)"', served(address))):
        path, _, anchor = link.partition("#")
        answer = client.get(path, follow=True, headers={"Accept": "text/html, */*;q=0.8"})
        assert answer.status_code == 200, link
        assert not anchor or f'id="{anchor}"' in answer.content.decode(), link
        answer.close()


def test_each_code_has_an_anchor_of_its_own_where_a_problem_says_it_is_explained() -> None:
    page = served("/docs/errors")

    for code in ErrorCode:
        assert page.count(f'<tr id="{code}">') == 1, code
    problem = Client().get("/api/v1/auth/me").json()
    assert problem["type"] == "/docs/errors#unauthenticated"


def test_a_page_is_in_the_list_of_pages_which_says_where_one_is() -> None:
    page = served("/docs/sections")

    assert re.findall(r'<li><a href="(/docs/[^"]*)"', page) == ADDRESSES
    assert '<a href="/docs/sections" aria-current="page">Views made of sections</a>' in page


def test_what_is_written_is_text_and_never_markup(tmp_path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "docs" / "portals"
    folder.mkdir(parents=True)
    (folder / "lists.md").write_text("# Lists\n\n<script>alert(1)</script> [x](javascript:alert(1)) `<b>`\n")
    settings.BASE_DIR = tmp_path
    page_of.cache_clear()
    try:
        html = page_of("lists").html
    finally:
        page_of.cache_clear()

    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<code>&lt;b&gt;</code>" in html


def test_a_link_to_what_is_not_served_is_a_fault(tmp_path, settings) -> None:
    folder = tmp_path / "docs" / "portals"
    folder.mkdir(parents=True)
    (folder / "lists.md").write_text("# Lists\n\n[operations](../operations.md)\n")
    settings.BASE_DIR = tmp_path
    page_of.cache_clear()
    try:
        with pytest.raises(StrayLinkError):
            page_of("lists")
    finally:
        page_of.cache_clear()


def test_every_page_for_portal_developers_is_served() -> None:
    written = {str(path.relative_to(DOCS)) for path in (DOCS / "portals").glob("*.md")}

    assert written | {"portals.md", "graphql.md"} == set(PAGES.values())


@pytest.mark.parametrize("address", ["/docs/nothing", "/docs/..%2foperations", "/docs/operations"])
def test_there_is_no_other_page(address: str) -> None:
    assert Client().get(address).status_code == 404


def test_only_reading_is_possible() -> None:
    assert Client().post("/docs/").status_code == 405
