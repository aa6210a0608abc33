"""Runs a command that dies with the process that started it, even when that one is killed with SIGKILL.

`python -I -S leash.py PARENT_PID COMMAND…` asks the kernel for it and then becomes the command. It is Linux that knows
how (prctl(2), PR_SET_PDEATHSIG); elsewhere the command simply runs.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def die_with(parent_pid: int) -> None:
    """Has the kernel kill this process when its parent ends. Ends at once when the parent is gone already."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  the command comes from this project's own code, without a shell
