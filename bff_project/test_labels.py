"""Test labels as Django's users write them, turned into pytest's paths and node ids."""

from pathlib import Path
from typing import Final

TESTS: Final = "tests"
NODE: Final = "::"


def node_id_of(label: str, root: Path) -> str:
    """The pytest argument for a label: a path, a node id, a dotted name, or the name of an app.

    `claims` means tests/claims, and `tests.claims.test_x.TestCase.test_y` the
    method of that class. A label that leads to no file is returned as it is, so that
    pytest says what it did not find.
    """
    if NODE in label or "/" in label or label.endswith(".py"):
        return label
    parts = label.split(".")
    for start in (root / TESTS, root):
        for length in range(len(parts), 0, -1):
            path = start.joinpath(*parts[:length])
            if path.with_suffix(".py").is_file() and path.parts[-1] != TESTS:
                return NODE.join([str(path.with_suffix(".py").relative_to(root)), *parts[length:]])
            if length == len(parts) and path.is_dir():
                return str(path.relative_to(root))
    return label
