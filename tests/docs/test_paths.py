"""Paths and names that the pages for contributors tell are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, marked

PAGES = (
    DOCS / "changing.md",
    DOCS / "testing.md",
    DOCS / "overview.md",
    DOCS / "decisions" / "libraries.md",
    ROOT / "CONTRIBUTING.md",
)
#: From where paths are told: those of two packages without their names.
ROOTS = (ROOT, ROOT / "gateway_clients", ROOT / "bff_project")
PATH = re.compile(r"[\w.-]+/(?:[\w.{},*-]+/)*[\w.{},*-]*\Z")
#: What is made by the reader, or no path of the project.
MADE = {"application/json", ".run/"}
BLOCK = re.compile(r"^\s*```.*?^\s*```", re.S | re.M)
NAME = re.compile(r"[A-Z][A-Z_]{3,}\Z")


def told_paths(page: Path) -> Iterator[str]:
    """The paths that a page names in backticks outside its examples."""
    for text in marked(BLOCK.sub("", page.read_text())):
        if PATH.match(text) and text not in MADE and not text.startswith(("http", "/")):
            yield text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_are_there(page: Path) -> None:
    told = set(told_paths(page))

    assert told, f"{page.name} names no path"
    assert sorted(path for path in told if not any((root / path).exists() for root in ROOTS)) == []


@pytest.mark.parametrize(
    ("page", "heading"),
    [
        ("changing.md", "Add an upstream"),
        ("changing.md", "Add a view"),
        ("changing.md", "Change a view model"),
        ("changing.md", "Debug one slow request"),
        ("overview.md", "A cold read, step by step"),
        ("overview.md", "A write, step by step"),
    ],
)
def test_ways_of_a_change_and_of_a_request_are_told(page: str, heading: str) -> None:
    assert f"\n## {heading}\n" in (DOCS / page).read_text()


def test_tables_that_the_ways_name_are_in_the_code() -> None:
    told = {text for text in marked(BLOCK.sub("", (DOCS / "changing.md").read_text())) if NAME.match(text)}
    code = "\n".join(
        path.read_text()
        for folder in ("gateway_clients", "members", "claims", "bff_project")
        for path in (ROOT / folder).rglob("*.py")
    )

    assert "PROFILE" in told
    absent = {name for name in told if not re.search(rf"\b{name}\b", code)}
    assert absent <= {"PRESCRIPTIONS", "PHARMACY_SERVICE_URL"}


def test_packages_have_a_section_each() -> None:
    text = (DOCS / "decisions" / "libraries.md").read_text()

    for package in (
        "requests",
        "pybreaker",
        "Django REST framework",
        "graphene-django",
        "simplejwt",
        "django-ratelimit",
    ):
        part = text.partition(f"\n## {package}\n")[2].partition("\n## ")[0]
        assert all(f"**{word}.**" in part for word in ("Used", "Gone past", "Would break")), package
