"""Finds private names of other packages in the production code, by its syntax and by the classes it has made."""

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("gateway_clients", "claims", "members", "dashboard", "bff_project")
#: Names with an underscore that their packages document, or name in their documentation as what a subclass uses.
DOCUMENTED: Final = frozenset({
    "_thread", "_exit", "_replace", "_asdict", "_fields",  # Python
    "_meta", "_state", "_db", "_default_manager",  # Django's models and managers
    "_type",  # an argument of redis-py's scan_iter
})  # fmt: skip
PRIVATE: Final = re.compile(r"_[A-Za-z]\w*(?<!_)")
BY_NAME: Final = frozenset({"getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller"})


class Use(NamedTuple):
    """A file of ours that uses a name which is not its own."""

    file: str
    name: str


def foreign_uses() -> set[Use]:
    """Every use of a private name that its file does not define, and every one that a foreign base of a class knows.

    Where this cannot tell whose a name is, it counts as foreign.
    """
    return {
        Use(str(path.relative_to(ROOT)), name)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
        for name in foreign_names(path, _loaded)
    }


def foreign_names(path: Path, load: Callable[[Path], ModuleType]) -> set[str]:
    """The names of one file; `load` imports it, to see what its classes inherit."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used, own = set(_used(tree)), set(_defined(tree))
    if not used | own:
        return set()
    ours, foreign = _names_of_bases(load(path))
    return ((used - own - ours) | ((used | own) & foreign)) - DOCUMENTED


def _loaded(path: Path) -> ModuleType:
    return importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))


def _used(tree: ast.AST) -> Iterator[str]:
    """Private names that are read, called, assigned, imported, given as keyword or told as a string."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name):
                yield from _private(name)
            case ast.keyword(arg=str(name)):
                yield from _private(name)
            case ast.Import(names=names):
                yield from (name for alias in names for name in _private(*alias.name.split(".")))
            case ast.ImportFrom(module=str(module), names=names) if module.partition(".")[0] not in PACKAGES:
                yield from _private(*module.split("."), *(alias.name for alias in names))
            case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function), args=arguments) if (
                function in BY_NAME
            ):
                yield from (name for argument in arguments for name in _told(argument))
            case ast.Subscript(value=ast.Attribute(attr="__dict__") | ast.Call(func=ast.Name(id="vars")), slice=key):
                yield from _told(key)


def _defined(tree: ast.AST) -> Iterator[str]:
    """Private names that this file makes: functions, classes, fields, slots, and what it assigns to `self`."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield from _private(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield from _private(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield from _private(name)
            case ast.Assign(targets=[ast.Name(id="__slots__")], value=value):
                yield from (name for part in ast.walk(value) for name in _told(part))


def _names_of_bases(module: ModuleType) -> tuple[set[str], set[str]]:
    """Private names that the module's classes and their bases know: those of ours, and those of other packages."""
    classes = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    bases = {base for one in classes for base in one.__mro__}
    ours = {base for base in bases if base.__module__.partition(".")[0] in PACKAGES}
    return set().union(*map(_names_of, ours)), set().union(*map(_names_of, bases - ours))


@cache
def _names_of(one: type) -> frozenset[str]:
    """Private names that a class defines or that its methods use of `self`."""
    try:
        text = inspect.getsource(one)
    except (OSError, TypeError):
        text = ""
    used = re.findall(r"\b(?:self|cls|super\(\))\.(_[A-Za-z]\w*)", text)
    return frozenset(_private(*vars(one), *used))


def _told(node: ast.AST) -> list[str]:
    return _private(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _private(*names: str) -> list[str]:
    return [name for name in names if PRIVATE.fullmatch(name)]
