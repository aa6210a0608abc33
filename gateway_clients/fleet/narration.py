"""Makes an explanation of what a request's calls and views noted while it was answered."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from gateway_clients.caching.lookups import LookupStatus
from gateway_clients.fleet.explanations import CallExplained, SectionExplained, StepExplained
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.trace import EXPIRED, NEAR, RequestTrace, Step
from gateway_clients.resilience.deadline import Deadline

#: Calls of one request that are told.
MOST_CALLS: Final = 100
#: A wait between two steps that is shorter says nothing, in milliseconds.
SHORTEST_WAIT_MS: Final = 1.0
#: How a look into the cache is told.
LOOKS: Final = {
    NEAR: "hit in the memory of this process",
    LookupStatus.HIT: "hit in Redis",
    EXPIRED: "just past its time in Redis, asked for anew behind the answer",
    LookupStatus.LEASED: "miss in Redis, took the lease",
    LookupStatus.BUSY: "miss in Redis, somebody else has the lease",
    LookupStatus.MISS: "miss in Redis",
    LookupStatus.DOWN: "Redis is down",
}


def calls_explained(
    calls: Sequence[PendingCall[Any]], trace: RequestTrace, deadline: Deadline, began_at: float
) -> tuple[CallExplained, ...]:
    """The calls, in the order in which they were asked for. `began_at` is the request's beginning, monotonic."""
    steps: dict[int, list[StepExplained]] = {}
    for at, call, step, detail in list(trace.steps):
        if step is Step.TRACED:
            continue
        told = LOOKS.get(detail, detail) if step in {Step.LOOKED_UP, Step.HELD} else detail
        steps.setdefault(id(call), []).append(StepExplained(_ms(at - began_at), step, told))
    return tuple(
        _explained(pending, _with_waits(steps.get(id(pending.call), [])), deadline, began_at)
        for pending in calls[:MOST_CALLS]
    )


def _explained(
    pending: PendingCall[Any], steps: Iterable[StepExplained], deadline: Deadline, began_at: float
) -> CallExplained:
    timing, result = pending.timing_by(deadline), pending.came_to
    told = tuple(steps)
    is_follower = not told and pending.call.key is not None
    return CallExplained(
        service=pending.call.service,
        operation=pending.call.operation,
        state=timing.state,
        started_ms=_ms(pending.started_at - began_at) if pending.started_at else 0.0,
        spent_ms=round(timing.milliseconds, 2),
        planned_ms=None if timing.planned_ms is None else round(timing.planned_ms),
        left_ms=None if timing.left_ms is None else round(timing.left_ms),
        age_seconds=0.0 if result is None else round(result.age_seconds, 1),
        error=pending.trouble if result is None and pending.trouble else getattr(result, "error", None),
        omitted=0 if result is None else result.omitted,
        drifted=() if result is None else result.drifted,
        is_follower=is_follower or (result is not None and result.is_collapsed),
        is_kept=result is not None and result.state is SectionState.CACHED,
        steps=told,
    )


def _with_waits(steps: Sequence[StepExplained]) -> Iterable[StepExplained]:
    """The steps, and before each attempt how long a place at the upstream was waited for."""
    before_ms: float | None = None
    for step in steps:
        waited_ms = 0.0 if before_ms is None else step.at_ms - before_ms
        if step.what == Step.SENT and waited_ms >= SHORTEST_WAIT_MS:
            yield StepExplained(step.at_ms, Step.PLACED, f"after {waited_ms:.0f} ms")
        yield step
        before_ms = step.at_ms


def sections_explained(trace: RequestTrace) -> tuple[SectionExplained, ...]:
    """The sections of the views that were made, in their order."""
    return tuple(
        SectionExplained(
            view=view,
            name=name,
            kept_in=kept_in,
            state=section.state,
            age_seconds=round(section.age_seconds, 1),
            error=section.error,
            omitted=section.omitted,
            drifted=section.drifted,
        )
        for _, view, sections, kept_in, _ in trace.views
        for name, section in sections.items()
    )


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 2)
