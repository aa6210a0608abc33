"""The settings, as they are read from an environment of the test's own."""

import os
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bff_project import environment

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "bff_project" / "settings.py"


def settings_with(values: Mapping[str, str]) -> tuple[dict[str, Any], frozenset[str]]:
    """The settings with only these variables in the environment, and the names that were read."""
    read = environment.Environment(values)
    with (
        patch.object(environment, "read_environment", lambda _base_dir: read),
        patch.dict(os.environ, clear=True),
    ):
        settings = runpy.run_path(str(SETTINGS))
    return {name: value for name, value in settings.items() if name.isupper()}, read.names
