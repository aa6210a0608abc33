"""How a handler says that a message could not be dealt with; whatever else it raises counts as a refusal."""

from typing import Final

LONGEST_PAUSE_SECONDS: Final = 60.0
#: How often a message may be refused before it is parked.
MOST_TRIES: Final = 5


class LaterError(Exception):
    """It failed for a reason that passes, such as a service that is down; tried again for as long as it takes."""

    def __init__(self, trouble: str, *, longest_pause_seconds: float = LONGEST_PAUSE_SECONDS) -> None:
        super().__init__(trouble)
        self.longest_pause_seconds = longest_pause_seconds


class RefusedError(Exception):
    """Trying again will hardly help: parked when it has been refused `most_tries` times; 1: at once."""

    def __init__(self, trouble: str, *, most_tries: int = MOST_TRIES) -> None:
        super().__init__(trouble)
        self.most_tries = most_tries
