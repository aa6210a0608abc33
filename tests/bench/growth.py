"""Measures whether an answer costs the same where more members are kept, and where more processes serve.

    python -m tests.bench.growth
    python -m tests.bench.growth --members 100000 --processes 1 2

Two readers of this checkout read the dashboards of the same hundred members, whose views are kept; in the database of
Redis of one of them there are so many entries besides, small ones under names as long as those of views. Then gateways
with one, two and more processes, each with a Redis database of its own, are measured in turn with wrk. Figures are
ratios as of `tests.bench.pairs`.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import django
import redis

from tests.bench.pairs import READS, in_turn, ratio

if TYPE_CHECKING:
    from tests.bench.measuring import Scenario

FEW: Final = "100"
#: Entries of one round trip to Redis.
AT_ONCE: Final = 10_000
#: What a small entry holds.
ENTRY: Final = b"x" * 64
PAIRS: Final = 25
Rows = Sequence[Mapping[str, Mapping[str, float]]]


def main() -> int:
    """Prints a line for each scenario and number."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seconds", type=int, default=2, help="of a run of wrk")
    wanted = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
    os.environ["ENVIRONMENT"] = "development"
    django.setup()
    from tests.bench.measuring import SCENARIOS

    scenarios = [scenario for scenario in SCENARIOS if scenario.name in {"warm-rest", "cold-rest"}]
    with tempfile.TemporaryDirectory(prefix="growth-") as directory:
        _print_members(Path(directory), scenarios, wanted.members, wanted.pairs)
    with tempfile.TemporaryDirectory(prefix="growth-") as directory:
        _print_processes(Path(directory), scenarios, wanted.processes, wanted.pairs, wanted.seconds)
    return 0


def _print_members(directory: Path, scenarios: Sequence["Scenario"], members: int, pairs: int) -> None:
    from tests.bench.checkouts import database_url, running_reader, surroundings

    many = str(members)
    with surroundings(directory, delay_ms=0) as (server, settings), ExitStack() as stack:
        readers = {}
        for number, name in enumerate((FEW, many)):
            url = database_url(server, number)
            readers[name] = running_reader(directory, name, Path.cwd(), {**settings, "REDIS_URL": url})
            stack.callback(readers[name].end)
        _fill(database_url(server, 1), members)
        for scenario in scenarios:
            rows = _rows(
                (FEW, many),
                lambda name, scenario=scenario: {  # type: ignore[misc]  # mypy infers no default
                    "processor time": readers[name].microseconds(scenario.what, scenario.members, READS)
                },
                pairs,
            )
            print(f"{scenario.name:15} {many} / {FEW} members   {_text(rows, many, FEW)}", flush=True)


def _fill(url: str, members: int) -> None:
    """Keeps a small entry for each member that nobody reads."""
    from gateway_clients.caching.redis_keys import entry_name

    client = redis.Redis.from_url(url)
    with client.pipeline(transaction=False) as pipeline:
        for number in range(members):
            pipeline.set(entry_name(f"view:profile:0123456789abcdef:m-unread-{number:08}"), ENTRY, ex=86_400)
            if len(pipeline) == AT_ONCE:
                pipeline.execute()
        pipeline.execute()
    found = client.dbsize()
    assert found >= members, f"Redis has kept {found} of {members} entries"
    client.close()


def _print_processes(
    directory: Path, scenarios: Sequence["Scenario"], processes: Sequence[int], pairs: int, seconds: int
) -> None:
    from tests.bench.checkouts import running_gateways
    from tests.bench.measuring import measured

    workers = {str(count): count for count in processes}
    first, *others = workers
    with running_gateways(directory, dict.fromkeys(workers, Path.cwd()), delay_ms=0, workers=workers) as sites:

        def run(name: str, scenario: "Scenario") -> Mapping[str, float]:
            found = measured(sites, name, scenario, seconds=seconds)
            return {"throughput": found.per_second, "processor time": found.cpu_ms}

        for scenario in scenarios:
            rows = _rows(list(workers), lambda name, scenario=scenario: run(name, scenario), pairs)  # type: ignore[misc]
            for other in others:
                print(f"{scenario.name:15} {other} / {first} processes   {_text(rows, other, first)}", flush=True)


def _rows(names: Sequence[str], run: Callable[[str], Mapping[str, float]], pairs: int) -> Rows:
    for name in names:
        run(name)
    return [{name: run(name) for name in in_turn(names, turn)} for turn in range(pairs)]


def _text(rows: Rows, one: str, other: str) -> str:
    return "   ".join(f"{kind} {ratio(rows, one, kind, to=other)}" for kind in rows[0][one])


if __name__ == "__main__":
    sys.exit(main())
