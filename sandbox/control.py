"""The addresses under `/_sandbox/`: they count calls, set faults and move claims, and are no part of any contract."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from sandbox.faults import Fault
from sandbox.messages import Answer, ProblemError, Request, json_answer, problem
from sandbox.services.claims import STATUSES
from sandbox.services.finding import found
from sandbox.stand_in import StandIn

PREFIX: Final = "/_sandbox/"


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a claim is to go."""

    status: str
    note: str | None = None


def control(stand_in: StandIn, request: Request) -> Answer:
    """Answers a call of the control interface; problem+json for one that is not of it."""
    parts = tuple(request.path.removeprefix(PREFIX).split("/"))
    try:
        if parts[0] == "redirected":
            with stand_in.calls.under_way("redirected", request):
                return json_answer({"redirected": True})
        if stand_in.name == "claims" and request.method == "POST" and parts[0] == "claims" and parts[2:] == ("status",):
            return move_claim(stand_in, parts[1], request)
        action = ACTIONS.get((request.method, "/".join(parts)))
        if action is None:
            return problem(404, "no such address of the control interface")
        return action(stand_in, request)
    except ProblemError as refusal:
        return refusal.answer()


def calls(stand_in: StandIn, _: Request) -> Answer:
    """What was asked since the last reset."""
    return json_answer({"service": stand_in.name, **msgspec.to_builtins(stand_in.calls.report())})


def reset(stand_in: StandIn, _: Request) -> Answer:
    """Counts from zero."""
    stand_in.calls.reset()
    return Answer(204)


def faults(stand_in: StandIn, _: Request) -> Answer:
    """The faults that are set."""
    return json_answer({"service": stand_in.name, "faults": msgspec.to_builtins(stand_in.faults.faults())})


def put_fault(stand_in: StandIn, request: Request) -> Answer:
    """Sets a fault."""
    stand_in.faults.put(checked(stand_in, _decoded(request, Fault)))
    return faults(stand_in, request)


def clear_faults(stand_in: StandIn, request: Request) -> Answer:
    """No fault any more."""
    stand_in.faults.clear()
    return faults(stand_in, request)


def ledger(stand_in: StandIn, _: Request) -> Answer:
    """The writes that were carried out, with their idempotency keys."""
    with stand_in.world.lock:
        return json_answer({"service": stand_in.name, "entries": msgspec.to_builtins(stand_in.ledger.entries)})


def move_claim(stand_in: StandIn, claim_id: str, request: Request) -> Answer:
    """Brings a claim to a status, whatever it was before."""
    move = _decoded(request, Move)
    if move.status not in STATUSES:
        raise ProblemError(400, f"status must be one of {', '.join(STATUSES)}")
    with stand_in.world.lock:
        claim = found(stand_in.world.claims, claim_id, "claim")
        stand_in.world.move_claim(claim, move.status, move.note)
        return json_answer(claim)


def checked(stand_in: StandIn, fault: Fault) -> Fault:
    """The fault. Raises ProblemError (400) when it is for an operation that this service doesn't have."""
    names = {operation.id for operation in stand_in.contract.operations}
    if fault.operation is not None and fault.operation not in names:
        raise ProblemError(400, f"operation must be one of {', '.join(sorted(names))}")
    return fault


ACTIONS: Final[Mapping[tuple[str, str], Callable[[StandIn, Request], Answer]]] = {
    ("GET", "calls"): calls,
    ("POST", "reset"): reset,
    ("GET", "fault"): faults,
    ("PUT", "fault"): put_fault,
    ("DELETE", "fault"): clear_faults,
    ("GET", "ledger"): ledger,
}


def _decoded(request: Request, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(request.body, type=kind)
    except ValueError as error:
        raise ProblemError(400, str(error)) from error
