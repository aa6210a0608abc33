"""`manage.py test`: hands over to pytest; ordinary tests run side by side, those marked `alone` after them.

Django's own options mean what Django's documentation says.
"""

import os
import secrets
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.test.runner import parallel_type

from bff_project.test_labels import node_id_of

ROOT: Final = Path(__file__).resolve().parent.parent
NOTHING_RUN: Final = 5
#: pytest-xdist wants the same test ids from every process, also those made of a set.
SAME_HASHES: Final = "0"
DEFAULT_MARKS: Final = "not long"
MAX_SIDE_BY_SIDE: Final = 4
VERBOSITY: Final = {0: ("-q",), 1: (), 2: ("-v",), 3: ("-vv",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to run: pytest arguments, a `-m` expression, and how many processes (0: in one).

    `is_whole`: the arguments name no files.
    """

    arguments: tuple[str, ...] = ()
    is_whole: bool = False
    marks: str = DEFAULT_MARKS
    processes: int = 0


class PytestRunner:
    """The TEST_RUNNER of the settings. What follows `--` goes to pytest as it is."""

    def __init__(
        self,
        *,
        verbosity: int = 1,
        failfast: bool = False,
        keepdb: bool = False,
        debug_mode: bool = False,
        pdb: bool = False,
        shuffle: int | bool | None = False,
        parallel: int = 0,
        tags: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        test_name_patterns: Sequence[str] | None = None,
        durations: int | None = None,
        marks: str | None = None,
        processes: int | None = None,
        passed_on: Sequence[str] = (),
        **_: Any,
    ) -> None:
        self._marks = marks_of(marks or DEFAULT_MARKS, tags or (), exclude_tags or ())
        self._processes = 0 if pdb else processes if processes is not None else parallel or None
        self._passed_on = tuple(passed_on)
        self._is_narrow = bool(test_name_patterns or tags) or marks is not None
        # Django gives None for a bare `--shuffle`, False for none.
        seed = secrets.randbelow(10**9) if shuffle is None else shuffle
        self._arguments = (
            *VERBOSITY[verbosity],
            *(("-x",) if failfast else ()),
            *(("--reuse-db",) if keepdb else ()),
            *(("--django-debug-mode=true",) if debug_mode else ()),
            *(("--pdb",) if pdb else ()),
            *((f"--shuffle-seed={seed}",) if seed is not False else ()),
            *((f"--durations={durations}",) if durations is not None else ()),
            *(("-k", " or ".join(test_name_patterns)) if test_name_patterns else ()),
        )

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """The options of Django's runner that pytest can do, and three of pytest's own: -m, -n and -x."""
        add = parser.add_argument
        add("-k", dest="test_name_patterns", action="append", help="Only tests whose names match (pytest's -k).")
        add("-m", dest="marks", help=f"Only these marks (pytest's -m); {DEFAULT_MARKS!r} if not given.")
        add("-x", "--failfast", dest="failfast", action="store_true", help="Stop at the first failure.")
        add("-n", dest="processes", type=int, help="How many processes; 0 runs all in one.")
        add("--parallel", nargs="?", const="auto", default=0, type=parallel_type, metavar="N", help="The same as -n.")
        add("--keepdb", action="store_true", help="Use the test database of the last run again.")
        add("--tag", action="append", dest="tags", help="Only tests with this tag or mark; may be repeated.")
        add("--exclude-tag", action="append", dest="exclude_tags", help="No tests with this tag or mark.")
        add("--shuffle", nargs="?", default=False, type=int, metavar="SEED", help="Run tests in a random order.")
        add("--pdb", action="store_true", help="Run a debugger when a test fails.")
        add("--debug-mode", action="store_true", help="Set settings.DEBUG to True.")
        add("--timing", action="store_true", help="Say how long the whole run took.")
        add("--durations", type=int, metavar="N", help="Show the N slowest tests (0: all).")
        add("-b", "--buffer", action="store_true", help="Show no output of tests that pass, as pytest always does.")

    def run_tests(self, test_labels: Sequence[str]) -> int:
        """Returns 1 when tests failed, else 0. Raises SystemExit with pytest's code where it could not run them."""
        is_narrow = self._is_narrow or bool(test_labels or self._passed_on)
        wanted = min(os.cpu_count() or 1, MAX_SIDE_BY_SIDE) if self._processes is None else self._processes
        selection = Selection(
            arguments=(*self._arguments, *self._passed_on, *(node_id_of(label, ROOT) for label in test_labels)),
            is_whole=not (test_labels or self._passed_on),
            marks=self._marks,
            processes=0 if is_narrow and self._processes is None else wanted,
        )
        code = run(selection)
        if code > 1:
            raise SystemExit(code)
        return code


def marks_of(marks: str, tags: Sequence[str], exclude_tags: Sequence[str]) -> str:
    """The `-m` expression for marks and for Django's tags, of which pytest-django makes marks as well."""
    wanted = (" or ".join(tags),) if tags else ()
    return " and ".join([*(f"({part})" for part in (marks, *wanted)), *(f"not {tag}" for tag in exclude_tags)])


def run(selection: Selection) -> int:
    """pytest's exit code: the first that is a failure when it had to be started twice."""
    if not selection.processes:
        return _pytest(selection)
    with TemporaryDirectory() as directory:
        alone = Path(directory) / "alone"
        together = _pytest(selection, "-n", str(selection.processes), "--phase=together", f"--note-alone={alone}")
        if not alone.exists() or together not in {0, 1, NOTHING_RUN} or (together and "-x" in selection.arguments):
            return together
        # To read every file once more would take as long as a tenth of the tests.
        files = alone.read_text().splitlines() if selection.is_whole else ()
        codes = (together, _pytest(selection, "--phase=alone", f"--earlier-exit-code={together}", *files))
    return next((code for code in codes if code not in {0, NOTHING_RUN}), min(codes))


def _pytest(selection: Selection, *more: str) -> int:
    command = [sys.executable, "-m", "pytest", "-m", selection.marks, *more, *selection.arguments]
    # Without bytecode each of the hundreds of processes that tests start would compile every module again.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {"PYTHONHASHSEED": SAME_HASHES, **kept}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603  what the developer asked for
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
