"""The waterfall of a request's calls: where each bar and tick stands on a line as wide as the request was long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway_clients.fleet.explanations import CallExplained, Explanation, StepExplained

#: Units of the drawing's width.
WIDTH: Final = 1000.0
#: The narrowest bar that is seen.
NARROWEST: Final = 4.0
#: States of calls that went well, and of those that are shown but old or incomplete.
GOOD: Final = frozenset({"fresh", "cached"})
FAIR: Final = frozenset({"stale", "fallback"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One step on the line."""

    x: float
    step: StepExplained


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallRow:
    """One call: its bar, how far it might have gone, its steps. `tone` is good, fair or bad."""

    call: CallExplained
    tone: str
    x: float
    width: float
    planned_width: float
    ticks: Sequence[Tick]
    notes: Sequence[str]


def waterfall(explanation: Explanation) -> list[WaterfallRow]:
    """The rows, in the order in which the calls were asked for."""
    ends = [call.started_ms + call.spent_ms for call in explanation.calls]
    scale = WIDTH / max([explanation.spent_ms, *ends, 0.001])
    return [_row(call, scale) for call in explanation.calls]


def _row(call: CallExplained, scale: float) -> WaterfallRow:
    x = min(call.started_ms * scale, WIDTH - NARROWEST)
    planned_ms = call.spent_ms if call.planned_ms is None else call.planned_ms
    return WaterfallRow(
        call=call,
        tone=tone_of(call),
        x=round(x, 1),
        width=round(max(NARROWEST, min(call.spent_ms * scale, WIDTH - x)), 1),
        planned_width=round(max(NARROWEST, min(planned_ms * scale, WIDTH - x)), 1),
        ticks=[Tick(x=round(min(step.at_ms * scale, WIDTH - 1), 1), step=step) for step in call.steps],
        notes=notes_of(call),
    )


def tone_of(call: CallExplained) -> str:
    """Whether the call went well."""
    if call.state in GOOD and not (call.omitted or call.drifted):
        return "good"
    return "fair" if call.state in GOOD | FAIR or call.state == "not_found" else "bad"


def notes_of(call: CallExplained) -> list[str]:
    """Returns notes on how the call came about."""
    notes = []
    if call.is_follower:
        notes.append("followed the same call of another request")
    if call.age_seconds:
        notes.append(f"{call.age_seconds:g} s old")
    if call.error and call.error != call.state:
        notes.append(f"because of {call.error}")
    if call.omitted:
        notes.append(f"{call.omitted} items left out")
    if call.drifted:
        notes.append(f"drifted: {', '.join(call.drifted)}")
    return notes
