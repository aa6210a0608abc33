"""Runs wrk against both in turn, scenario by scenario, and compares the medians."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.sites import Sites

HERE: Final = Path(__file__).resolve().parent
WARM_UP_SECONDS: Final = 2
GATEWAY: Final = "gateway"
#: How often a pair of runs is made in which the peer fails.
MOST_TRIES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is read. `members` 0: each member once, so that nothing is kept yet; upstreams answer after `delay_ms`."""

    name: str
    what: str
    members: int
    delay_ms: int
    connections: int


SCENARIOS: Final = (
    Scenario(name="warm-rest", what="dashboard", members=100, delay_ms=0, connections=16),
    Scenario(name="cold-rest", what="dashboard", members=0, delay_ms=0, connections=16),
    Scenario(name="cold-claims", what="claims", members=0, delay_ms=0, connections=16),
    Scenario(name="warm-graphql", what="graphql", members=100, delay_ms=0, connections=16),
    Scenario(name="cold-graphql", what="graphql", members=0, delay_ms=0, connections=16),
    Scenario(name="cold-rest-50ms", what="dashboard", members=0, delay_ms=50, connections=8),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run, or the medians of several; `cpu_ms` is what one request takes of the processors, in its workers."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario: the medians by name, and how many times the peer's throughput the gateway has, pair by pair."""

    scenario: Scenario
    medians: Mapping[str, Figures]
    ratios: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of the pairs."""
        return statistics.median(self.ratios)

    @property
    def text(self) -> str:
        """For people."""
        rows = [
            f"  {name:8} {found.per_second:8.0f} req/s   p50 {found.p50_ms:7.2f} ms   p99 {found.p99_ms:7.2f} ms"
            f"   cpu {found.cpu_ms:6.2f} ms"
            for name, found in self.medians.items()
        ]
        delay = self.scenario.delay_ms
        pairs = ", ".join(f"{ratio:.1f}" for ratio in sorted(self.ratios))
        times = f", its p50 {self.medians[GATEWAY].p50_ms / delay:.2f} times the upstreams' {delay} ms" if delay else ""
        title = f"{self.scenario.name}, {self.scenario.connections} connections"
        return "\n".join([title, *rows, f"  gateway: {self.ratio:.2f} times the peer's throughput ({pairs}){times}"])


class BadRunError(Exception):
    """A run in which something was not answered with 2xx, or not whole; its figures mean nothing."""

    def __init__(self, site: str, text: str) -> None:
        super().__init__(f"{site}: {text}")
        self.site = site


def comparisons(sites: Sites, scenarios: Iterable[Scenario], *, runs: int, seconds: int) -> Iterator[Comparison]:
    """Each scenario so many times, the two in turn. Raises BadRunError."""
    for scenario in scenarios:
        _pair(sites, scenario, seconds=WARM_UP_SECONDS)
        rows = [_pair(sites, scenario, seconds=seconds) for _ in range(runs)]
        yield Comparison(
            scenario,
            {name: _median([row[name] for row in rows]) for name in sites.urls},
            [row[GATEWAY].per_second / row["fastapi"].per_second for row in rows],
        )


def _pair(sites: Sites, scenario: Scenario, *, seconds: int) -> dict[str, Figures]:
    """A run of each; both anew where the peer has failed at it. Raises BadRunError: at once for the gateway."""
    for _ in range(MOST_TRIES - 1):
        try:
            return {name: measured(sites, name, scenario, seconds=seconds) for name in sites.urls}
        except BadRunError as error:
            if error.site == GATEWAY:
                raise
            print(f"{scenario.name}: a run counts for nothing, {error}", file=sys.stderr, flush=True)
    return {name: measured(sites, name, scenario, seconds=seconds) for name in sites.urls}


def measured(sites: Sites, name: str, scenario: Scenario, *, seconds: int) -> Figures:
    """One run of wrk. Raises BadRunError."""
    url, processes = sites.urls[name], sites.processes[name]
    environment = {
        **os.environ,
        "WHAT": scenario.what,
        "MEMBERS": str(scenario.members),
        "RUN": f"{time.time_ns():x}",
        "TOKEN": sites.token,
    }
    command = ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "--timeout", "10s"]
    command += ["-s", str(HERE / "readers.lua"), url]
    cpu_before = cpu_seconds(processes)
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in said.splitlines() if line.startswith("FIGURES "))
    per_second, p50_ms, p99_ms, errors = map(float, line.split()[1:])
    if errors or not per_second:
        raise BadRunError(name, f"{errors:.0f} of {per_second * seconds:.0f} answers are none")
    cpu_ms = (cpu_seconds(processes) - cpu_before) * 1000 / (per_second * seconds)
    return Figures(per_second, p50_ms, p99_ms, cpu_ms)


def cpu_seconds(processes: Iterable[int]) -> float:
    """What the processes have had of the processors."""
    stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes)
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def _median(rows: list[Figures]) -> Figures:
    return Figures(
        statistics.median(row.per_second for row in rows),
        statistics.median(row.p50_ms for row in rows),
        statistics.median(row.p99_ms for row in rows),
        statistics.median(row.cpu_ms for row in rows),
    )
