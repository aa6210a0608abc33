"""Pages for people: whole without any other host, and without inline scripts."""

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

pytestmark = pytest.mark.django_db


BROWSER = {"Accept": "text/html, */*;q=0.8"}


def test_the_first_page_links_to_all_there_is(portal: Client) -> None:
    links = re.findall(r'<a href="([^"]+)"', portal.get("/").content.decode())

    assert links == [
        "/docs/",
        "/api-docs",
        "/graphql",
        "/api/v1/schema",
        "/admin/",
        "/health",
        "/health/live",
        "/health/ready",
        "http://testserver:9090/metrics",
    ]
    assert [portal.get(link, follow=True, headers=BROWSER).status_code for link in links[:-1]] == [200] * 8


@pytest.mark.parametrize(
    ("host", "link"),
    [
        ("[::1]", "http://[::1]:9090/metrics"),
        ("[::1]:4000", "http://[::1]:9090/metrics"),
        ("localhost", "http://localhost:9090/metrics"),
        ("localhost:4000", "http://localhost:9090/metrics"),
    ],
)
def test_the_first_page_links_to_the_metrics_of_the_host_that_was_asked(portal: Client, host: str, link: str) -> None:
    page = portal.get("/", headers={"Host": host}).content.decode()

    assert re.findall(r'href="([^"]+/metrics)"', page) == [link]


@pytest.mark.parametrize("page", ["/", "/docs/", "/api-docs", "/graphql"])
def test_a_page_is_whole_without_any_other_host(portal: Client, page: str) -> None:
    html = portal.get(page, headers=BROWSER).content.decode()
    sources = re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', html)

    assert sources
    for source in sources:
        assert source.startswith("/"), source
        answer = portal.get(source)
        answer.close()
        assert answer.status_code == 200, source
        assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("page", ["/", "/docs/", "/docs/errors", "/api-docs", "/graphql", "/admin/login/"])
def test_a_page_has_no_inline_scripts_or_styles(portal: Client, page: str) -> None:
    html = portal.get(page, headers=BROWSER).content.decode()

    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\son[a-z]+=|\sstyle=", html) == []


def test_the_document_comes_as_yaml_and_json(portal: Client) -> None:
    yaml = portal.get("/api/v1/schema", headers={"Accept": "application/yaml"})
    json = portal.get("/api/v1/schema")

    assert yaml.content.startswith(b"openapi: 3.1")
    assert json.json()["openapi"] == "3.1.0"


def test_every_change_of_a_model_has_its_migration() -> None:
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())
