"""One service of the sandbox: what happens to a request, from the contract's check to the answer on the wire."""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from sandbox.breaking import BREAKERS, REFUSALS
from sandbox.calls import CallBook
from sandbox.checking import BrokenAnswerError, check_answer, read_question
from sandbox.contract import Contract, Match
from sandbox.faults import FaultBoard
from sandbox.latency import Latency
from sandbox.ledger import Ledger
from sandbox.messages import Answer, ProblemError, Question, Request, problem
from sandbox.services import OPERATIONS
from sandbox.spoiling import spoiled
from sandbox.wire import Connection
from sandbox.world.state import World

logger = logging.getLogger(__name__)

HEALTH: Final = "health"
#: Under this name calls are counted that are for no operation of the contract.
UNKNOWN: Final = "unknown"
READS: Final = ("GET",)
QUESTIONS: Final = ("validateBenefit", "checkEligibility")


@dataclass(slots=True)
class StandIn:
    """Stands in for one service."""

    contract: Contract
    world: World
    latency: Latency
    rng: Random
    calls: CallBook = field(default_factory=CallBook)
    ledger: Ledger = field(default_factory=Ledger)
    faults: FaultBoard = field(init=False)

    def __post_init__(self) -> None:
        self.faults = FaultBoard(self.rng)

    @property
    def name(self) -> str:
        """The service's name, as in the settings."""
        return self.contract.service

    async def serve(self, request: Request, connection: Connection) -> None:
        """Answers a request of the contract, with the latency and the fault that are set."""
        try:
            match = self.contract.match(request)
        except ProblemError as refusal:
            with self.calls.under_way(UNKNOWN, request):
                await connection.send(refusal.answer())
            return
        operation = match.operation
        with self.calls.under_way(operation.id, request):
            fault = self.faults.strike(operation.id)
            pause = self.latency.seconds(self.rng) if operation.id != HEALTH else 0.0
            pause += fault.delay_seconds if fault else 0.0
            if pause > 0:
                await asyncio.sleep(pause)
            if fault is not None and fault.kind in REFUSALS:
                await REFUSALS[fault.kind](connection, fault)
                return
            answer = self.answer(match, request)
            if fault is not None and fault.kind in BREAKERS:
                await BREAKERS[fault.kind](connection, answer)
                return
            await connection.send(spoiled(answer, fault, operation.enum_names) if fault else answer)

    def answer(self, match: Match, request: Request) -> Answer:
        """The right answer. One that breaks the contract is a fault of the sandbox itself: logged, and 500."""
        try:
            question = read_question(match, request)
            with self.world.lock:
                answer = self._carry_out(match, question)
                check_answer(match.operation, answer)
        except ProblemError as refusal:
            return refusal.answer()
        except BrokenAnswerError as error:
            logger.critical("The sandbox broke its contract (%s): %s", self.name, error)
            return problem(500, "the sandbox broke its contract; see its log")
        return answer

    def _carry_out(self, match: Match, question: Question) -> Answer:
        operation = match.operation
        if operation.id == HEALTH:
            return Answer(200)
        if operation.method in READS or operation.id in QUESTIONS:
            return OPERATIONS[self.name][operation.id](self.world, question)
        earlier = self.ledger.earlier(question)
        if earlier is not None:
            return replace(earlier, status=200) if "200" in operation.answers else earlier
        answer = OPERATIONS[self.name][operation.id](self.world, question)
        self.ledger.keep(question, answer)
        return answer
