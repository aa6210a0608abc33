"""The portals' `Idempotency-Key`, and the key that an upstream gets in its place."""

import re
import uuid
from hashlib import sha256
from typing import Final

from django.http import HttpRequest

from gateway_clients.edge.current_caller import caller_of
from gateway_clients.edge.errors import BadUserInputError

HEADER: Final = "Idempotency-Key"
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")


def upstream_key(request: HttpRequest, operation: str) -> str:
    """A key that is the same for the same portal key of the same account, and nobody else's; a new one without one.

    Raises BadUserInputError for a key that is none.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return uuid.uuid4().hex
    if not KEY.match(given):
        raise BadUserInputError(errors={HEADER: ["Must be 1 to 255 visible ASCII characters."]})
    caller = caller_of(request)
    whose = "" if caller is None else str(caller.pk)
    return sha256(f"{whose}\n{operation}\n{given}".encode()).hexdigest()
