"""`.env.example` documents every setting, with the default it really has."""

import os
import re
import runpy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured

from bff_project import environment
from gateway_clients.conf import PER_UPSTREAM, SERVICES

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


#: Of each setting that one upstream may have for itself: a value that is good for it, as it is read.
GOOD: dict[str, tuple[str, object]] = {
    "UPSTREAM_TIMEOUT_SECONDS": ("1.5", 1.5),
    "UPSTREAM_CONNECT_SECONDS": ("1", 1.0),
    "UPSTREAM_MAX_BYTES": ("1000000", 1_000_000),
    "UPSTREAM_SERVICE_TOKEN": ("token", "token"),
    "BULKHEAD_LIMIT": ("3", 3),
    "BREAKER_FAILURES": ("7", 7),
    "BREAKER_OPEN_SECONDS": ("0.5", 0.5),
    "BREAKER_WINDOW_SECONDS": ("2.5", 2.5),
    "BREAKER_MIN_CALLS": ("9", 9),
    "BREAKER_FAILURE_RATE": ("0.25", 0.25),
    "BREAKER_SLOW_SECONDS": ("0.75", 0.75),
    "RETRY_BUDGET": ("0", 0.0),
}
BAD = [
    (setting, value)
    for setting in GOOD
    if setting != "UPSTREAM_SERVICE_TOKEN"
    for value in ("-1", "nan", "inf", "two", "", *(() if setting == "RETRY_BUDGET" else ("0",)))
]
BAD += [(setting, "1.5") for setting, (_, value) in GOOD.items() if isinstance(value, int)]


@pytest.mark.parametrize("service", SERVICES)
def test_one_upstreams_own_settings_are_read_as_those_of_all(service: str) -> None:
    assert GOOD.keys() == set(PER_UPSTREAM)
    own = {f"{service.upper()}_{setting}": text for setting, (text, _) in GOOD.items()}

    settings, _ = settings_with(own)

    read = [settings[f"{service.upper()}_{setting}"] for setting in GOOD]
    assert [(type(value), value) for value in read] == [(type(value), value) for _, value in GOOD.values()]


@pytest.mark.parametrize(("setting", "value"), BAD)
@pytest.mark.parametrize("prefix", ["", "CLAIMS_"])
def test_a_bad_setting_of_upstreams_stops_the_start_with_its_name(prefix: str, setting: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{prefix}{setting} must be a"):
        settings_with({prefix + setting: value})
