"""Programs that some tests need; without one a test is left out, and the end of the run says so loudly."""

import shutil
from typing import Final

import pytest

NOT_RUN: Final = "not run, there is no program"


def program(*names: str) -> str:
    """The path of the first of these that is installed; leaves the test out when none is."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"{NOT_RUN} {' or '.join(names)}")
    return found
