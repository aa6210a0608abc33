"""The benchmark runs: each kind of scenario gives numbers, of every peer that can be run here."""

import os
import re
import shutil
import subprocess
import sys
from typing import Final

import pytest

from tests.bench.incidents import INCIDENTS
from tests.bench.measuring import SCENARIOS
from tests.support.gateway import ROOT
from tests.support.programs import program

ROW: Final = re.compile(r"^  (\w+) +(\d+) req/s", re.MULTILINE)
ON_NODE: Final = ("apollo", "mercurius")


def test_every_scenario_has_its_name() -> None:
    names = [each.name for each in (*SCENARIOS, *INCIDENTS)]

    assert names == [
        "warm-rest", "warm-rest-admin", "cold-rest", "warm-claims", "cold-claims", "warm-graphql", "cold-graphql",
        "cold-rest-50ms", "crowd-16", "crowd-64", "crowd-128", "crowd-256", "hung-1", "hung-2", "hung-4", "peak-x3",
    ]  # fmt: skip


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_quick_run_gives_numbers_of_the_gateway_and_its_peers() -> None:
    program("wrk")
    program("nginx")
    peers = ["gateway", "httpx", "aiohttp", *(ON_NODE if shutil.which("npm") and shutil.which("node") else ())]

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", "warm-rest", "cold-graphql", "crowd-16", "hung-2", "peak-x3"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert [name for name, _ in ROW.findall(done.stdout)] == peers * 3
    assert all(int(number) > 0 for name, number in ROW.findall(done.stdout) if name == "gateway")
    assert "beside 2 that hang (member, notification)" in done.stdout
    assert re.search(r"submissions .* \d+ × 201\n", done.stdout)
    assert re.search(r"three times the peak of \d+\.\d a second\n  answers served \d\.\d\d of the peak", done.stdout)


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.timeout(300)
def test_growth_compares_many_members_with_few_and_processes_with_one() -> None:
    program("wrk")
    program("nginx")
    few = ["--members", "5000", "--processes", "1", "2", "--pairs", "2", "--seconds", "1"]

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.growth", *few],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    figure = r"\d+\.\d{3} ± \d+\.\d{3}"
    for scenario in ("warm-rest", "cold-rest"):
        assert re.search(rf"^{scenario} +5000 / 100 members +processor time {figure}$", done.stdout, re.MULTILINE)
        processes = rf"^{scenario} +2 / 1 processes +throughput {figure} +processor time {figure}$"
        assert re.search(processes, done.stdout, re.MULTILINE)
