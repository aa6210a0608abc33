"""The payment service."""

from typing import Final

from sandbox.messages import Answer, Question, page_answer
from sandbox.world.state import World


def list_payments(world: World, question: Question) -> Answer:
    """The payments of a member or a claim, newest first."""
    asked = question.parameters
    return page_answer(world.payments.newest(asked["member_id"], asked["claim_id"]), question)


OPERATIONS: Final = {"listPayments": list_payments}
