"""text-unidecode, whose table is loaded when something is transliterated, and not before.

graphene-django imports it for the names of enum values that it makes of a model's choices, and no GraphQL type here is
made of a model; its table takes 3.8 MB of each worker (tracemalloc, 2026-11-29).
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Final

NAME: Final = "text_unidecode"


def load_late() -> None:
    """Stands in for the package until its one function is called; does nothing where it is loaded already."""
    if NAME not in sys.modules:
        stand_in = ModuleType(NAME, __doc__)
        stand_in.unidecode = _unidecode  # type: ignore[attr-defined]  # a module has what it is given
        sys.modules[NAME] = stand_in


def _unidecode(text: str) -> str:
    package = sys.modules[NAME]
    if getattr(package, "unidecode", None) is _unidecode:
        del sys.modules[NAME]
        package = import_module(NAME)
    transliterated: str = package.unidecode(text)
    return transliterated
