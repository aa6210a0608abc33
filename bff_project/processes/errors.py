"""Why something could not be started or kept running, in words for the person at the terminal."""


class StartError(Exception):
    """It cannot start; the text says why and what to do."""


class ChildDiedError(Exception):
    """A process that must keep running has ended."""
