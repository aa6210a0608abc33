"""What each of the eight services answers: one table for each, from operationId to the function that answers it."""

from collections.abc import Callable, Mapping
from typing import Final

from sandbox.messages import Answer, Question
from sandbox.services import benefit, claims, document, member, notification, payment, policy, provider
from sandbox.world.state import World

#: Answers one question. Raises ProblemError; called with the world's lock held.
Operation = Callable[[World, Question], Answer]

OPERATIONS: Final[Mapping[str, Mapping[str, Operation]]] = {
    "claims": claims.OPERATIONS,
    "member": member.OPERATIONS,
    "provider": provider.OPERATIONS,
    "benefit": benefit.OPERATIONS,
    "policy": policy.OPERATIONS,
    "notification": notification.OPERATIONS,
    "payment": payment.OPERATIONS,
    "document": document.OPERATIONS,
}
