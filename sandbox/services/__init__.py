"""What each service answers: one table for each, from operationId to the function that answers it."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from gateway_clients.conf import SERVICES
from sandbox.messages import Answer, Question
from sandbox.world.state import World

#: Answers one question. Raises ProblemError; called with the world's lock held.
Operation = Callable[[World, Question], Answer]

#: The table of each service is in the module of its name.
OPERATIONS: Final[Mapping[str, Mapping[str, Operation]]] = {
    service: import_module(f"{__name__}.{service}").OPERATIONS for service in SERVICES
}
