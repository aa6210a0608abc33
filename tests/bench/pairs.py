"""Compares checkouts of the gateway in pairs: a mechanism against the same code without it.

    python -m tests.bench.pairs /path/to/checkout... --scenarios warm-rest cold-rest
    python -m tests.bench.pairs /path/to/checkout... --served

All checkouts run at the same time, over the same upstreams and Redis, and are measured in turn,
run behind run. Each ratio is the other's figure divided by this checkout's, as the geometric
mean over the pairs, without the outer tenths, with its standard error.

Without `--served` each checkout reads to itself in one process and thread (`reader`), and the
figure is processor time: it bears a machine on which others work too, to about one per cent.
`--served` measures `make serve` with wrk: what threads cost each other shows only there.
"""

import argparse
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import django

if TYPE_CHECKING:
    from tests.bench.measuring import Scenario

HERE: Final = "here"
#: Reads of one run in one process.
READS: Final = 40
Run = Callable[[str, "Scenario"], Mapping[str, float]]


def main() -> int:
    """Prints a line for each scenario and checkout."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pairs", description=__doc__)
    parser.add_argument("others", nargs="+", type=Path, help="checkouts to compare this one with")
    parser.add_argument("--scenarios", nargs="+", default=["warm-rest", "cold-rest", "cold-claims"])
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--served", action="store_true")
    parser.add_argument("--seconds", type=int, default=1, help="of a run of --served")
    wanted = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
    os.environ["ENVIRONMENT"] = "development"
    django.setup()
    from tests.bench.checkouts import running_gateways, running_readers
    from tests.bench.measuring import SCENARIOS, measured

    roots = {HERE: Path.cwd(), **{other.name: other.resolve() for other in wanted.others}}
    chosen = [scenario for scenario in SCENARIOS if scenario.name in wanted.scenarios]
    for delay_ms, scenarios in groupby(chosen, key=lambda scenario: scenario.delay_ms):
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pairs-")))
            if wanted.served:
                sites = stack.enter_context(running_gateways(directory, roots, delay_ms=delay_ms))

                def run(name: str, scenario: "Scenario") -> Mapping[str, float]:
                    found = measured(sites, name, scenario, seconds=wanted.seconds)  # noqa: B023 - used within the loop
                    return {"throughput": found.per_second, "processor time": found.cpu_ms}
            else:
                readers = stack.enter_context(running_readers(directory, roots, delay_ms=delay_ms))

                def run(name: str, scenario: "Scenario") -> Mapping[str, float]:
                    reader = readers[name]  # noqa: B023 - used within the loop
                    return {"processor time": reader.microseconds(scenario.what, scenario.members, READS)}

            for scenario in scenarios:
                _print(scenario, list(roots), run, wanted.pairs)
    return 0


def _print(scenario: "Scenario", names: Sequence[str], run: Run, pairs: int) -> None:
    for name in names:
        run(name, scenario)
    rows = [{name: run(name, scenario) for name in in_turn(names, turn)} for turn in range(pairs)]
    for other in names[1:]:
        ratios = [f"{kind} {ratio(rows, other, kind)}" for kind in rows[0][HERE]]
        print(f"{scenario.name:15} {other:>20} / {HERE}   {'   '.join(ratios)}", flush=True)


def in_turn(names: Sequence[str], turn: int) -> Sequence[str]:
    """Each begins in turn, so that none has always the same neighbour."""
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def ratio(rows: Sequence[Mapping[str, Mapping[str, float]]], other: str, kind: str, *, to: str = HERE) -> str:
    """One's figure divided by another's, without the outer tenths, and its standard error."""
    logs = sorted(math.log(row[other][kind] / row[to][kind]) for row in rows)
    outer = len(logs) // 10
    kept = logs[outer : len(logs) - outer]
    mean, error = statistics.fmean(kept), statistics.stdev(kept) / math.sqrt(len(kept))
    return f"{math.exp(mean):.3f} ± {math.exp(mean) * error:.3f}"


if __name__ == "__main__":
    sys.exit(main())
