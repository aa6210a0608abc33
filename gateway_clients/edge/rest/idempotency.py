"""The portals' `Idempotency-Key`, and the key that an upstream gets in its place."""

import uuid
from hashlib import sha256

from django.http import HttpRequest

from gateway_clients.edge.access.current_caller import caller_of
from gateway_clients.edge.input.idempotency_key import HEADER, checked_key


def upstream_key(request: HttpRequest, operation: str) -> str:
    """A key that is the same for the same portal key of the same account, and nobody else's; a new one without one.

    Raises BadUserInputError for a key that is none.
    """
    given = checked_key(request.headers.get(HEADER))
    if given is None:
        return uuid.uuid4().hex
    caller = caller_of(request)
    whose = "" if caller is None else str(caller.pk)
    return sha256(f"{whose}\n{operation}\n{given}".encode()).hexdigest()
