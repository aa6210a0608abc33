"""The house rules, as tests: style, types and import contracts hold for the whole project."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PACKAGES = ("gateway_clients", "claims", "members", "dashboard", "bff_project", "sandbox")
COMMANDS = {
    "ruff_finds_nothing": ("ruff", "check", "."),
    "every_file_is_formatted": ("ruff", "format", "--check", "."),
    "types_hold_under_mypy_strict": ("mypy", *PACKAGES),
    "imports_keep_to_the_layers": ("lint-imports", "--no-cache"),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_house_rule(command: tuple[str, ...]) -> None:
    result = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}{result.stderr}"


@pytest.mark.parametrize("category", [DeprecationWarning, PendingDeprecationWarning, ResourceWarning])
def test_warnings_are_errors(category: type[Warning]) -> None:
    with pytest.raises(category, match="gone in the next version"):
        warnings.warn("gone in the next version", category, stacklevel=1)
