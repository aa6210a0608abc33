"""`make bench`: this gateway beside a FastAPI peer, and how many times its throughput it has."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from itertools import groupby
from pathlib import Path

import django


def main() -> int:
    """Prints each scenario as it ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names of scenarios; all when none is given")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
    os.environ["ENVIRONMENT"] = "development"
    django.setup()
    from tests.bench.measuring import SCENARIOS, comparisons
    from tests.bench.sites import MODULES, running_sites

    names = {scenario.name for scenario in SCENARIOS}
    unknown = set(wanted.scenarios) - names
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}")
    path = f"{os.environ['PATH']}:/usr/sbin"
    if not (shutil.which("wrk") and shutil.which("nginx", path=path) and (MODULES / "ngx_http_lua_module.so").exists()):
        print("The benchmark needs wrk and nginx with Lua (Debian: wrk nginx libnginx-mod-http-lua).", file=sys.stderr)
        return 1
    chosen = [scenario for scenario in SCENARIOS if not wanted.scenarios or scenario.name in wanted.scenarios]
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        for delay_ms, scenarios in groupby(chosen, key=lambda scenario: scenario.delay_ms):
            with running_sites(Path(directory), delay_ms=delay_ms) as sites:
                for comparison in comparisons(sites, scenarios, runs=wanted.runs, seconds=wanted.seconds):
                    print(comparison.text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
