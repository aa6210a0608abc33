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
