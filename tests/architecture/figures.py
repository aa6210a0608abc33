"""The size and the shape of checkouts in figures, side by side.

    python -m tests.architecture.figures . /path/to/checkout...

Rooms are the packages and modules right below an app or `gateway_clients`, floors the longest
chain of them that import each other, circles the groups of rooms that import each other both
ways. The cold dashboard is one request whose five upstreams are asked: the checkout's own
functions and files that it enters, and how many of its frames stand at the first write to a
socket. Lines are those of Python files; the sandbox and migrations are left out.
"""

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import django

APPS: Final = ("bff_project", "dashboard", "members", "claims", "gateway_clients")
HERE: Final = Path(__file__).resolve()
LEFT_OUT: Final = frozenset({"migrations", "sandbox"})


def main() -> None:
    """Prints a table with a column for each checkout."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
    os.environ["ENVIRONMENT"] = "development"
    django.setup()
    columns = {root.resolve().name: figures(root.resolve()) for root in map(Path, sys.argv[1:] or ["."])}
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in next(iter(columns.values())):
        print(f"| {name} | {' | '.join(found.get(name, '') for found in columns.values())} |")


def figures(root: Path) -> Mapping[str, str]:
    """All figures of one checkout."""
    files = list(_files(root))
    rooms = _imports(root, files)
    trees = [ast.parse(path.read_text()) for path in files]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    documented = [ast.get_docstring(node) for node in functions]
    texts = [text for text in documented if text]
    tests = list((root / "tests").rglob("*.py"))
    circles = [group for group in _groups(rooms) if len(group) > 1]
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    return {
        "lines": f"{sum(map(_lines, files)):,}",
        "files": f"{len(files)}",
        "rooms / floors / circles": f"{len(rooms)} / {_floors(rooms)} / {len(circles)}",
        "protocols": f"{sum(_is_protocol(node) for tree in trees for node in ast.walk(tree))}",
        "private names of other packages": _run(root, PRIVATE_NAMES),
        "functions with a docstring": f"{len(texts) / len(functions):.0%} of {len(functions):,}",
        "docstrings of three words or fewer": f"{sum(len(text.split()) <= 3 for text in texts)}",
        "sentences that begin with What or Who": f"{sum(text.startswith(('What ', 'Who ')) for text in texts)}",
        "cold dashboard: functions / files / frames": _cold_dashboard(root),
        "test lines": f"{sum(map(_lines, tests)):,}",
        "words in README and docs": f"{sum(len(page.read_text().split()) for page in pages):,}",
    }


def _files(root: Path) -> Iterator[Path]:
    for app in APPS:
        for path in sorted((root / app).rglob("*.py")):
            if not LEFT_OUT & set(path.relative_to(root).parts):
                yield path


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _is_protocol(node: ast.AST) -> bool:
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    return any(ast.unparse(base).split("[")[0] in {"Protocol", "typing.Protocol"} for base in bases)


def _room_of(dotted: str) -> str | None:
    app, *rest = dotted.split(".")
    if app not in APPS:
        return None
    return ".".join((app, *rest[:1])) if app == "gateway_clients" else app


def _imports(root: Path, files: list[Path]) -> dict[str, set[str]]:
    """The rooms that each room imports from."""
    rooms: dict[str, set[str]] = {}
    for path in files:
        dotted = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        room = _room_of(dotted)
        if room is None or room == "gateway_clients":
            continue
        found = rooms.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {other for name in names if (other := _room_of(name)) not in {None, room, "gateway_clients"}}
    return {room: {other for other in found if other in rooms} for room, found in rooms.items()}


def _groups(rooms: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """The rooms, those together that can be reached from each other."""
    reach = {room: {room} for room in rooms}
    for _ in rooms:
        reach = {room: found.union(*(rooms[other] for other in found)) for room, found in reach.items()}
    return list({frozenset(other for other in found if room in reach[other]) for room, found in reach.items()})


def _floors(rooms: Mapping[str, set[str]]) -> int:
    """The longest chain of groups of rooms, each of which imports from the next."""
    group_of = {room: group for group in _groups(rooms) for room in group}
    depths: dict[frozenset[str], int] = {}

    def depth(group: frozenset[str]) -> int:
        if group not in depths:
            below = {group_of[other] for room in group for other in rooms[room]} - {group}
            depths[group] = 1 + max((depth(each) for each in below), default=0)
        return depths[group]

    return max(depth(group) for group in group_of.values())


PRIVATE_NAMES: Final = """
import os, sys
sys.path[:0] = [os.getcwd()]
import django
django.setup()
sys.path.append(FOLDER)
import foreign_names, pathlib
foreign_names.ROOT = pathlib.Path.cwd()
print(len({use.name for use in foreign_names.foreign_uses()}))
"""


def _run(root: Path, code: str) -> str:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bff_project.settings", "ENVIRONMENT": "development"}
    code = code.replace("FOLDER", repr(str(HERE.parent)))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else "?"


def _cold_dashboard(root: Path) -> str:
    from tests.bench.checkouts import running_readers

    with (
        tempfile.TemporaryDirectory(prefix="figures-") as directory,
        running_readers(Path(directory), {"it": root}, delay_ms=0) as readers,
    ):
        return readers["it"].traced("dashboard")


if __name__ == "__main__":
    main()
