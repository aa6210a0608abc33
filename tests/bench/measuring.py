"""Runs wrk against all sites in turn, scenario by scenario, and compares the medians."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from tests.bench.sites import ADMIN, GATEWAY, MEMBERS, OWN, Sites

HERE: Final = Path(__file__).resolve().parent
WARM_UP_SECONDS: Final = 2
#: How often a turn is made in which a peer fails.
MOST_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is read. `members` 0: each member once, so that nothing is kept yet; upstreams answer after `delay_ms`.

    `readers`: whose tokens are used. `is_crowd`: it is counted what becomes of requests; else each must be answered
    whole.
    """

    name: str
    what: str = "dashboard"
    members: int = 0
    delay_ms: int = 0
    connections: int = 16
    readers: str = ADMIN
    is_crowd: bool = False


SCENARIOS: Final = (
    Scenario(name="warm-rest", members=MEMBERS, readers=OWN),
    Scenario(name="warm-rest-admin", members=MEMBERS),
    Scenario(name="cold-rest"),
    Scenario(name="warm-claims", what="claims", members=MEMBERS, readers=OWN),
    Scenario(name="cold-claims", what="claims"),
    Scenario(name="warm-graphql", what="graphql", members=MEMBERS, readers=OWN),
    Scenario(name="cold-graphql", what="graphql"),
    Scenario(name="cold-rest-50ms", delay_ms=50, connections=8),
    *(
        Scenario(name=f"crowd-{readers}", delay_ms=50, connections=readers, is_crowd=True)
        for readers in (16, 64, 128, 256)
    ),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run, or the medians of several; `cpu_ms` is what one request takes of the processors, in its workers.

    `per_second` counts whole answers; `partial` and `shed` (503) are how many there were, `failed` all the others.
    """

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    partial: float = 0
    shed: float = 0
    failed: float = 0


#: Of a peer that has not answered as it should.
NOTHING: Final = Figures(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario: the medians by name, and how many times each peer's throughput the gateway has, pair by pair."""

    scenario: Scenario
    medians: Mapping[str, Figures]
    ratios: Mapping[str, Sequence[float]]

    @property
    def text(self) -> str:
        """For people."""
        lines = [f"{self.scenario.name}, {self.scenario.connections} connections, {self.scenario.readers} read"]
        for name, found in self.medians.items():
            line = (
                f"  {name:9} {found.per_second:7.0f} req/s   p50 {found.p50_ms:7.2f} ms   p99 {found.p99_ms:7.2f} ms"
                f"   cpu {found.cpu_ms:6.2f} ms"
            )
            if self.scenario.is_crowd:
                line += f"   partial {found.partial:.0f}, 503 {found.shed:.0f}, failed {found.failed:.0f}"
            ratios = self.ratios.get(name)
            if ratios:
                pairs = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
                line += f"   gateway: {statistics.median(ratios):.2f} times ({pairs})"
            lines.append(line)
        if delay := self.scenario.delay_ms:
            times = self.medians[GATEWAY].p50_ms / delay
            lines.append(f"  {GATEWAY}: p50 {times:.2f} times the upstreams' {delay} ms")
        return "\n".join(lines)


class BadRunError(Exception):
    """A run in which something was not answered with 2xx, or not whole; its figures mean nothing."""

    def __init__(self, site: str, text: str) -> None:
        super().__init__(f"{site}: {text}")
        self.site = site


def comparisons(
    sites: Sites, scenarios: Iterable[Scenario], *, runs: int, seconds: int, warm_up_seconds: int = WARM_UP_SECONDS
) -> Iterator[Comparison]:
    """Each scenario so many times, all sites in turn. Raises BadRunError."""
    for scenario in scenarios:
        _turn(sites, scenario, seconds=warm_up_seconds)
        rows = [_turn(sites, scenario, seconds=seconds) for _ in range(runs)]
        peers = [name for name in sites.urls if name != GATEWAY]
        yield Comparison(
            scenario,
            {name: _median([row[name] for row in rows]) for name in sites.urls},
            {
                name: [row[GATEWAY].per_second / row[name].per_second for row in rows if row[name].per_second]
                for name in peers
            },
        )


def _turn(sites: Sites, scenario: Scenario, *, seconds: int) -> dict[str, Figures]:
    """A run of each; all anew where a peer has failed at it, which counts for nothing when it does so again and again.

    Raises BadRunError for the gateway.
    """
    for _ in range(MOST_TRIES):
        found: dict[str, Figures] = {}
        for name in sites.urls:
            try:
                found[name] = measured(sites, name, scenario, seconds=seconds)
            except BadRunError as error:
                if error.site == GATEWAY:
                    raise
                print(f"{scenario.name}: a run counts for nothing, {error}", file=sys.stderr, flush=True)
                found[name] = NOTHING
        if NOTHING not in found.values():
            break
    return found


def measured(sites: Sites, name: str, scenario: Scenario, *, seconds: int) -> Figures:
    """One run of wrk. Raises BadRunError."""
    url, processes, tokens = sites.urls[name], sites.processes[name], sites.tokens[name]
    environment = {
        **os.environ,
        "WHAT": scenario.what,
        "MEMBERS": str(scenario.members),
        "RUN": f"{time.time_ns():x}",
        "TOKENS": str(tokens.get(scenario.readers, tokens[ADMIN])),
    }
    command = ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "--timeout", "10s"]
    command += ["-s", str(HERE / "readers.lua"), url]
    cpu_before = cpu_seconds(processes)
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in said.splitlines() if line.startswith("FIGURES "))
    per_second, p50_ms, p99_ms, requests, partial, shed, failed = map(float, line.split()[1:])
    bad = partial + shed + failed
    if not scenario.is_crowd and (bad or not requests):
        raise BadRunError(name, f"{bad:.0f} of {requests:.0f} answers are none")
    cpu_ms = (cpu_seconds(processes) - cpu_before) * 1000 / max(1.0, requests)
    whole = per_second * max(0.0, requests - bad) / max(1.0, requests)
    return Figures(whole, p50_ms, p99_ms, cpu_ms, partial, shed, failed)


def cpu_seconds(processes: Iterable[int]) -> float:
    """What the processes have had of the processors."""
    stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes)
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def _median(rows: list[Figures]) -> Figures:
    return Figures(*(statistics.median(getattr(row, each.name) for row in rows) for each in fields(Figures)))
