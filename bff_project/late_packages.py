"""Packages that other packages import for what is not used here; they are loaded at their first use, if ever.

What a worker holds the less (tracemalloc, 2026-11-30): 3.8 MB of text-unidecode's table, for graphene-django's names of
enum values that it makes of a model's choices; 2.0 MB of charset-normalizer, and more of its shared libraries, by which
Requests guesses a text's encoding.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Any, Final

#: The packages, and their functions that others import by name.
PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "text_unidecode": ("unidecode",),
    "charset_normalizer": (),
}
_lock: Final = RLock()


class _StandIn(ModuleType):
    """Stands in for a package until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return metadata.version(self.__name__)
        if name.startswith("__"):  # `inspect` and others look at all modules
            raise AttributeError(name)
        return getattr(_loaded(self), name)


def load_late() -> None:
    """Puts stand-ins in place of the packages that are installed and not loaded yet."""
    for name, functions in PACKAGES.items():
        if name not in sys.modules and (spec := find_spec(name)) is not None:
            stand_in = sys.modules[name] = _StandIn(name, __doc__)
            stand_in.__path__ = list(spec.submodule_search_locations or ())
            for function in functions:
                setattr(stand_in, function, _late(stand_in, function))


def _late(stand_in: _StandIn, function: str) -> Callable[..., Any]:
    """The function, which loads its package when it is called."""

    def call(*args: Any, **options: Any) -> Any:
        return getattr(_loaded(stand_in), function)(*args, **options)

    return call


def _loaded(stand_in: _StandIn) -> ModuleType:
    """The package itself."""
    name = stand_in.__name__
    with _lock:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return import_module(name)
