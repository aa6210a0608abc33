"""What a process does at its end."""

from collections.abc import Callable
from multiprocessing.util import Finalize


def at_process_end(deed: Callable[[], object]) -> None:
    """Has a process that ends in order do this last; one that is killed does not.

    `multiprocessing` sees to it: its children, as the HTTP server's workers are, run no handlers of `atexit` under
    Python 3.11.
    """
    Finalize(None, deed, exitpriority=0)
