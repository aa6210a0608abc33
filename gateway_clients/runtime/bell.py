"""A descriptor that wakes up a thread which waits for connections."""

import os
from contextlib import suppress


class Bell:
    """Ready to be read from `ring` to `hush`. Whoever made it closes it, once nobody can ring it any more."""

    __slots__ = ("_ringing", "descriptor")

    def __init__(self) -> None:
        self.descriptor, self._ringing = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._ringing, False)

    def ring(self) -> None:
        """Wakes up whoever waits; never waits itself."""
        with suppress(BlockingIOError):
            os.write(self._ringing, b"!")

    def hush(self) -> None:
        """Takes notice of all that has rung so far."""
        with suppress(BlockingIOError):
            while os.read(self.descriptor, 4096):
                pass

    def close(self) -> None:
        """Gives both ends back."""
        os.close(self.descriptor)
        os.close(self._ringing)
