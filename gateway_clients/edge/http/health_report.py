"""The report of the gateway's surroundings: each check in a thread of its own, all within a bound, kept a moment."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.db import connections

#: Seconds that the checks may take together; one that takes longer counts as not well.
LIMIT_SECONDS: Final = 0.7
#: Seconds for which a report is kept, and for which it is shown to others while the next is being made.
FRESH_SECONDS: Final = 1.0
STALE_SECONDS: Final = 10.0
#: The states that are no reason to call the gateway degraded.
WELL: Final = frozenset({"up", "closed", "ready"})
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: what is shown of it, and whether all is well."""

    shown: Any
    is_well: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`look` says how something is, as a state or a finding; `unknown` is shown when it fails or takes too long."""

    look: Callable[[], "str | Finding"]
    unknown: Any = "down"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, by the names of the checks."""

    findings: Mapping[str, Finding]

    @property
    def is_well(self) -> bool:
        """Whether all parts are well."""
        return all(finding.is_well for finding in self.findings.values())

    @property
    def shown(self) -> dict[str, Any]:
        """Returns the report as portals see it."""
        return {name: finding.shown for name, finding in self.findings.items()}


@dataclass(slots=True)
class _Run:
    """One check on its way. Its thread may outlive the report that it was started for."""

    is_done: threading.Event = field(default_factory=threading.Event)
    found: Finding | None = None


class HealthReport:
    """Runs the checks when somebody asks and the last report is no longer fresh.

    A check that hangs is not started a second time beside itself. `clock` in seconds.
    """

    def __init__(self, checks: Mapping[str, Check], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._clock = clock
        self._making = threading.Lock()
        self._runs: dict[str, _Run] = {}
        self._last: Report | None = None
        self._made_at = float("-inf")

    def report(self) -> Report:
        """How things are, at most a moment ago; within `LIMIT_SECONDS` and the time of a report under way."""
        if (last := self._kept(FRESH_SECONDS)) is not None:
            return last
        if not self._making.acquire(blocking=False):
            if (last := self._kept(STALE_SECONDS)) is not None:
                return last
            self._making.acquire()
        try:
            if (last := self._kept(FRESH_SECONDS)) is None:
                last = self._last = self._made()
                self._made_at = self._clock()
            return last
        finally:
            self._making.release()

    def _kept(self, seconds: float) -> Report | None:
        return self._last if self._clock() - self._made_at < seconds else None

    def _made(self) -> Report:
        give_up_at = time.monotonic() + LIMIT_SECONDS
        for name, check in self._checks.items():
            if name not in self._runs:
                self._runs[name] = _started(name, check)
        for run in self._runs.values():
            run.is_done.wait(max(0.0, give_up_at - time.monotonic()))
        found = {name: self._runs[name].found for name in self._checks}
        self._runs = {name: run for name, run in self._runs.items() if not run.is_done.is_set()}
        return Report({name: finding or Finding(self._checks[name].unknown, False) for name, finding in found.items()})


def _started(name: str, check: Check) -> _Run:
    run = _Run()

    def look() -> None:
        try:
            found = check.look()
            run.found = found if isinstance(found, Finding) else Finding(found, found in WELL)
        except Exception:
            log.exception("health.check_failed", check=name)
        finally:
            connections.close_all()
            run.is_done.set()

    threading.Thread(target=look, name=f"health-{name}", daemon=True).start()
    return run
