"""The pages of `docs`, read by the tests that hold them against the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
PACKAGES: Final = ("gateway_clients", "claims", "members", "dashboard", "bff_project")
CELL_BORDER: Final = re.compile(r"(?<!\\)\|")
MARKED: Final = re.compile(r"`([^`]*)`")


def page(name: str) -> str:
    """The text of a page."""
    return (DOCS / name).read_text()


def section(name: str, heading: str) -> str:
    """What stands below a heading of a page, up to the next heading of its level."""
    marks = heading.partition(" ")[0]
    return page(name).partition(f"\n{heading}\n")[2].partition(f"\n{marks} ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of all tables in a text, without their heads."""
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and lines[number + 1].startswith("|---")
        if line.startswith("|") and not line.startswith("|---") and not is_head:
            found.append([cell.strip() for cell in CELL_BORDER.split(line)[1:-1]])
    return found


def marked(cell: str) -> list[str]:
    """What stands between backticks."""
    return MARKED.findall(cell)


def syntax_trees() -> Iterator[ast.Module]:
    """Those of the gateway's modules, without the sandbox."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "sandbox" not in path.parts:
                yield ast.parse(path.read_text())
