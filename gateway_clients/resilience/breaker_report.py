"""What a process tells the others, and staff, of one of its breakers."""

import msgspec

from gateway_clients.resilience.breaker import Breaker


class BreakerReport(msgspec.Struct, frozen=True):
    """One breaker of one process. `since` is seconds since the Unix epoch, `paused_seconds` what is left of a pause.

    `last_answer` is `ok`, `failed`, or `none` before the first call; it came at `answered_at`, since the epoch too.
    """

    service: str
    process: str
    state: str
    failures: int
    since: float
    override: str
    paused_seconds: float
    reported_at: float
    last_answer: str = "none"
    answered_at: float = 0.0


def report_of(breaker: Breaker, *, process: str, now: float) -> BreakerReport:
    """Returns the report of a breaker of this process; `now` is seconds since the Unix epoch."""
    last = breaker.last_answer
    return BreakerReport(
        service=str(breaker.name),
        process=process,
        state=breaker.current_state,
        failures=breaker.fail_counter,
        since=now - breaker.changed_seconds_ago,
        override=breaker.override,
        paused_seconds=breaker.paused_seconds,
        reported_at=now,
        last_answer="none" if last is None else "failed" if last.has_failed else "ok",
        answered_at=0.0 if last is None else now - breaker.seconds_since(last),
    )
