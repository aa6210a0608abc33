"""`make bench`: this gateway beside its peers, how many times their throughput it has, and what it serves in need."""

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
    parser.add_argument("--quick", action="store_true", help="one run of two seconds: shows that it works, no figures")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
    os.environ["ENVIRONMENT"] = "development"
    django.setup()
    from tests.bench.incidents import INCIDENTS
    from tests.bench.measuring import SCENARIOS, WARM_UP_SECONDS, comparisons
    from tests.bench.sites import MODULES, UNHURRIED, running_sites

    names = {each.name for each in (*SCENARIOS, *INCIDENTS)}
    unknown = set(wanted.scenarios) - names
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}")
    path = f"{os.environ['PATH']}:/usr/sbin"
    if not (shutil.which("wrk") and shutil.which("nginx", path=path) and (MODULES / "ngx_http_lua_module.so").exists()):
        print("The benchmark needs wrk and nginx with Lua (Debian: wrk nginx libnginx-mod-http-lua).", file=sys.stderr)
        return 1
    runs, seconds, warm_up_seconds = (1, 2, 1) if wanted.quick else (wanted.runs, wanted.seconds, WARM_UP_SECONDS)
    chosen = [each for each in SCENARIOS if not wanted.scenarios or each.name in wanted.scenarios]
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        for (delay_ms, is_crowd), scenarios in groupby(chosen, key=lambda each: (each.delay_ms, each.is_crowd)):
            place = Path(tempfile.mkdtemp(dir=directory))
            # A crowd is to be served with the settings that the gateway comes with.
            with running_sites(place, delay_ms=delay_ms, settings={} if is_crowd else UNHURRIED) as sites:
                for comparison in comparisons(
                    sites, scenarios, runs=runs, seconds=seconds, warm_up_seconds=warm_up_seconds
                ):
                    print(comparison.text, flush=True)
        for incident in INCIDENTS:
            if not wanted.scenarios or incident.name in wanted.scenarios:
                print(incident.run(Path(directory), 2.0 if wanted.quick else 4.0 * wanted.seconds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
