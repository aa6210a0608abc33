"""Links and paths in Markdown files lead somewhere, and prose is short enough to be read in a terminal."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, marked, rows

PAGES = sorted(DOCS.rglob("*.md"))
LINKING = (*PAGES, *sorted(ROOT.glob("*.md")), ROOT / "tests" / "README.md")
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
WIDTHS = {"overview.md": 120}


def prose(text: str) -> Iterator[str]:
    """The lines of a page that can be wrapped: not those of tables."""
    return (line for line in text.splitlines() if not line.lstrip().startswith("|"))


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.name)
def test_links_lead_to_files_of_the_project(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_are_short_enough(page: Path) -> None:
    assert [line for line in prose(page.read_text()) if len(line) > WIDTHS.get(page.name, 88)] == []


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [page.name for page in DOCS.glob("*.md") if f"](docs/{page.name})" not in readme] == []


def test_the_first_page_for_portal_developers_leads_to_all_of_theirs() -> None:
    first = (DOCS / "portals.md").read_text()
    assert [page.name for page in (DOCS / "portals").glob("*.md") if f"](portals/{page.name})" not in first] == []


def test_where_a_behaviour_is_tested_there_are_tests() -> None:
    told = rows((ROOT / "tests" / "README.md").read_text())
    paths = [path for _behaviour, files in told for path in marked(files)]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert 20 <= len(told) <= 40


def test_every_folder_of_tests_is_told() -> None:
    told = (ROOT / "tests" / "README.md").read_text()
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(each.relative_to(ROOT)) for each in folders if f"`{each.relative_to(ROOT)}/" not in told] == []
