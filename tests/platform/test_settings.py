"""`.env.example` documents every setting, with the default it really has."""

import os
import re
import runpy
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bff_project import environment

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "bff_project" / "settings.py"
EXAMPLE = ROOT / ".env.example"


def settings_with(values: dict[str, str]) -> tuple[dict[str, Any], set[str]]:
    """What the settings are with only these in the environment, and the names they asked for."""
    asked: set[str] = set()

    class Recorder(environment.Environment):
        ENVIRON = values

        def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
            asked.add(var)
            return super().get_value(var, *args, **kwargs)

    with (
        patch.object(environment, "read_environment", lambda _base_dir: Recorder()),
        patch.dict(os.environ, clear=True),
    ):
        settings = runpy.run_path(str(SETTINGS))
    return {name: value for name, value in settings.items() if name.isupper()}, asked


def example() -> dict[str, str]:
    """The settings that are on in `.env.example`."""
    lines = (line.partition("=") for line in EXAMPLE.read_text().splitlines() if not line.startswith("#"))
    return {name: value for name, equals, value in lines if equals}


def test_example_names_every_setting_and_no_other() -> None:
    _, asked = settings_with({})
    switched_off = set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert {*example(), *switched_off} == asked


def test_example_shows_the_defaults() -> None:
    with_example, _ = settings_with(example())
    without, _ = settings_with({})
    assert {name: value for name, value in with_example.items() if value != without[name]} == {}


def test_recorder_sees_a_changed_setting() -> None:
    settings, _ = settings_with({"PORT": "4321", "CLAIMS_BREAKER_OPEN_SECONDS": "7"})
    assert (settings["PORT"], settings["CLAIMS_BREAKER_OPEN_SECONDS"]) == (4321, 7.0)
