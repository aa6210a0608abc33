"""`manage.py test` hands over to pytest without losing a failure."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOGETHER = "def test_together(): assert {holds}\n"
ALONE = "import pytest\n@pytest.mark.alone\ndef test_alone(): assert {holds}\n"
LONG = "import pytest\n@pytest.mark.long\ndef test_long(): assert {holds}\n"


def manage_test(path: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of `manage.py test` over these tests, and its last line."""
    command = [sys.executable, "manage.py", "test", *arguments, "--", "-c", "setup.cfg", "--rootdir=.", str(path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout.strip().splitlines()[-1].strip("= ")


@pytest.mark.parametrize(
    "tests, arguments, code, last_line",
    [
        ((TOGETHER.format(holds=False), ALONE.format(holds=True)), ("-n", "1"), 1, "1 passed, 1 deselected"),
        ((TOGETHER.format(holds=True), ALONE.format(holds=False)), ("-n", "1"), 1, "1 failed, 1 deselected"),
        ((ALONE.format(holds=True),), ("-n", "1"), 0, "1 passed"),
        ((TOGETHER.format(holds=True), LONG.format(holds=False)), (), 0, "1 passed, 1 deselected"),
        ((TOGETHER.format(holds=False), LONG.format(holds=True)), ("-m", "long"), 0, "1 passed, 1 deselected"),
        ((TOGETHER.format(holds=True),), ("-k", "no_such_test"), 5, "1 deselected"),
        ((TOGETHER.format(holds=False),) * 2, ("-x",), 1, "1 failed"),
    ],
)
def test_exit_code_and_last_line(
    tmp_path: Path, tests: tuple[str, ...], arguments: tuple[str, ...], code: int, last_line: str
) -> None:
    for number, text in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(text)
    actual_code, actual_line = manage_test(tmp_path, *arguments)
    assert (actual_code, actual_line.partition(" in ")[0]) == (code, last_line)
