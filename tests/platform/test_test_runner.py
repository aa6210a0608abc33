"""`manage.py test` hands over to pytest without losing a failure, and takes Django's options and labels."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bff_project import test_runner
from bff_project.test_labels import node_id_of
from bff_project.test_runner import PytestRunner

ROOT = Path(__file__).resolve().parents[2]
TOGETHER = "def test_together(): assert {holds}\n"
ALONE = "import pytest\n@pytest.mark.alone\ndef test_alone(): assert {holds}\n"
LONG = "import pytest\n@pytest.mark.long\ndef test_long(): assert {holds}\n"


def manage_test(path: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of `manage.py test` over these tests, and its last line."""
    result = result_of(*arguments, "--", "-c", "setup.cfg", "--rootdir=.", str(path))
    return result.returncode, result.stdout.strip().splitlines()[-1].strip("= ")


def result_of(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """How `manage.py test` ended; `said` is what is typed."""
    command = [sys.executable, "manage.py", "test", *arguments]
    return subprocess.run(command, cwd=ROOT, input=said, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("tests", "arguments", "code", "last_line"),
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
@pytest.mark.long
def test_exit_code_and_last_line(
    tmp_path: Path, tests: tuple[str, ...], arguments: tuple[str, ...], code: int, last_line: str
) -> None:
    for number, text in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(text)
    actual_code, actual_line = manage_test(tmp_path, *arguments)
    assert (actual_code, actual_line.partition(" in ")[0]) == (code, last_line)


TAGGED = """
from django.test import SimpleTestCase, tag

class Some(SimpleTestCase):
    @tag("slow")
    def test_slow(self) -> None: pass
    @tag("core", "slow")
    def test_both(self) -> None: pass
    def test_none(self) -> None: pass

@tag("core")
class Core(SimpleTestCase):
    def test_core(self) -> None: pass
"""


@pytest.mark.parametrize(
    ("arguments", "last_line"),
    [
        (("--tag=slow",), "2 passed, 2 deselected"),
        (("--tag=core", "--tag=slow", "--exclude-tag=alone"), "3 passed, 1 deselected"),
        (("--tag=core", "--exclude-tag=slow"), "1 passed, 3 deselected"),
        (("-k", "slow", "-k", "both", "--parallel", "1", "--timing"), "2 passed"),
    ],
)
@pytest.mark.long
def test_options_of_django_mean_the_same(tmp_path: Path, arguments: tuple[str, ...], last_line: str) -> None:
    (tmp_path / "test_tagged.py").write_text(TAGGED)
    result = result_of(*arguments, "--", "-c", "setup.cfg", "--rootdir=.", str(tmp_path))

    assert result.returncode == 0
    assert last_line in result.stdout
    assert ("Total run took" in result.stderr) == ("--timing" in arguments)


@pytest.mark.long
def test_shuffle_says_its_seed_and_repeats_its_order(tmp_path: Path) -> None:
    in_file = [f"test_{number}" for number in range(20)]
    (tmp_path / "test_many.py").write_text("".join(f"def {name}(): pass\n" for name in in_file))

    def order_of(*arguments: str) -> list[str]:
        lines = result_of(*arguments, "-v2", "--", "-c", "setup.cfg", "--rootdir=.", str(tmp_path)).stdout.splitlines()
        return [line for line in lines if "PASSED" in line or "Using shuffle seed: " in line]

    first = order_of("--shuffle")
    second = order_of(f"--shuffle={first[0].removeprefix('Using shuffle seed: ')}")
    assert first == second
    names = [line.partition(" ")[0].partition("::")[2] for line in first[1:]]
    assert sorted(names) == sorted(in_file)
    assert names != in_file


@pytest.mark.long
def test_pdb_stops_where_a_test_fails(tmp_path: Path) -> None:
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    answer = 41\n    assert answer == 42\n")
    arguments = ("--pdb", "--", "-c", "setup.cfg", "--rootdir=.", str(tmp_path))

    assert "(Pdb) 41" in result_of(*arguments, said="p answer\nq\n").stdout


@pytest.mark.parametrize(
    ("label", "node_id"),
    [
        ("claims", "tests/claims"),
        ("tests.claims", "tests/claims"),
        ("platform.test_test_runner", "tests/platform/test_test_runner.py"),
        ("tests.platform.test_test_runner", "tests/platform/test_test_runner.py"),
        ("tests.platform.test_test_runner.Some.test_it", "tests/platform/test_test_runner.py::Some::test_it"),
        ("tests/platform/test_test_runner.py::test_it", "tests/platform/test_test_runner.py::test_it"),
        ("tests/claims", "tests/claims"),
        ("no.such.label", "no.such.label"),
    ],
)
def test_a_label_is_a_path_a_dotted_name_or_an_app(label: str, node_id: str) -> None:
    assert node_id_of(label, ROOT) == node_id


@pytest.mark.parametrize(
    ("labels", "files"), [((), ["/a/test_one.py", "/b/test_two.py"]), (("claims",), ["tests/claims"])]
)
def test_those_alone_are_looked_for_only_where_there_are_some(
    labels: Sequence[str], files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    class Pytest:
        def __init__(self, command: list[str], *, env: dict[str, str], **_: object) -> None:
            assert "PYTHONDONTWRITEBYTECODE" not in env
            commands.append([argument for argument in command if argument.endswith(".py") or "claims" in argument])
            for argument in command:
                if argument.startswith("--note-alone="):
                    Path(argument.partition("=")[2]).write_text("/a/test_one.py\n/b/test_two.py")

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(test_runner.subprocess, "Popen", Pytest)

    assert PytestRunner(processes=1).run_tests(labels) == 0
    assert commands == [["tests/claims"] if labels else [], files]
