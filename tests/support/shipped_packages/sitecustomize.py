"""Hides packages from the process that starts with this folder on its path: those that `HIDDEN_PACKAGES` names."""

import os
import sys
from importlib.abc import MetaPathFinder


class _Hiding(MetaPathFinder):
    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> None:
        """Finds nothing; raises ModuleNotFoundError for what is hidden."""
        if fullname.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


sys.meta_path.insert(0, _Hiding(frozenset(os.environ["HIDDEN_PACKAGES"].split(","))))
