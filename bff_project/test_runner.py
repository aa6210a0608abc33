"""`manage.py test`: hands over to pytest; ordinary tests run side by side, those marked `alone` after them."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
NOTHING_RUN: Final = 5
#: pytest-xdist wants the same test ids from every process, also those made of a set.
SAME_HASHES: Final = "0"
DEFAULT_MARKS: Final = "not long"
MAX_SIDE_BY_SIDE: Final = 4
VERBOSITY: Final = {0: ("-q",), 1: (), 2: ("-v",), 3: ("-vv",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to run: pytest arguments, a `-m` expression, and how many processes (0: in one)."""

    arguments: tuple[str, ...] = ()
    marks: str = DEFAULT_MARKS
    processes: int = 0


class PytestRunner:
    """The TEST_RUNNER of the settings. Labels are pytest's (paths, node ids); what follows `--` goes to it as it is."""

    def __init__(
        self,
        *,
        verbosity: int = 1,
        failfast: bool = False,
        keepdb: bool = False,
        keyword: str | None = None,
        marks: str | None = None,
        processes: int | None = None,
        passed_on: Sequence[str] = (),
        **_: Any,
    ) -> None:
        self._marks = marks or DEFAULT_MARKS
        self._processes = processes
        self._passed_on = tuple(passed_on)
        self._is_narrow = keyword is not None or marks is not None
        self._arguments = (
            *VERBOSITY[verbosity],
            *(("-x",) if failfast else ()),
            *(("--reuse-db",) if keepdb else ()),
            *(("-k", keyword) if keyword is not None else ()),
        )

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """What `manage.py test` takes beside Django's own `--failfast`, `--verbosity` and `--noinput`."""
        parser.add_argument("-k", dest="keyword", help="Only tests whose names match this expression (pytest's -k).")
        parser.add_argument("-m", dest="marks", help=f"Only these marks (pytest's -m); {DEFAULT_MARKS!r} if not given.")
        parser.add_argument("-x", dest="failfast", action="store_true", help="Stop at the first failure.")
        parser.add_argument("-n", dest="processes", type=int, help="How many processes; 0 runs all in one.")
        parser.add_argument("--keepdb", action="store_true", help="Use the test database of the last run again.")

    def run_tests(self, test_labels: Sequence[str]) -> int:
        """Runs what is asked for and returns 0, or leaves with pytest's exit code."""
        is_narrow = self._is_narrow or bool(test_labels or self._passed_on)
        wanted = min(os.cpu_count() or 1, MAX_SIDE_BY_SIDE) if self._processes is None else self._processes
        selection = Selection(
            arguments=(*self._arguments, *self._passed_on, *test_labels),
            marks=self._marks,
            processes=0 if is_narrow and self._processes is None else wanted,
        )
        code = run(selection)
        if code:
            raise SystemExit(code)
        return 0


def run(selection: Selection) -> int:
    """pytest's exit code: the first that is a failure when it had to be started twice."""
    if not selection.processes:
        return _pytest(selection)
    with TemporaryDirectory() as directory:
        alone = Path(directory) / "alone"
        together = _pytest(selection, "-n", str(selection.processes), "--phase=together", f"--note-alone={alone}")
        if not alone.exists() or together not in {0, 1, NOTHING_RUN} or (together and "-x" in selection.arguments):
            return together
        codes = (together, _pytest(selection, "--phase=alone", f"--earlier-exit-code={together}"))
    return next((code for code in codes if code not in {0, NOTHING_RUN}), min(codes))


def _pytest(selection: Selection, *more: str) -> int:
    command = [sys.executable, "-m", "pytest", "-m", selection.marks, *more, *selection.arguments]
    environment = {"PYTHONHASHSEED": SAME_HASHES, **os.environ}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603  what the developer asked for
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
