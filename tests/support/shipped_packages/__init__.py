"""An environment in which a process sees no package but those that are shipped, as in the image.

Packages of the tests are in the same place here, and several of those that are shipped import them where they are
found: `structlog` takes `rich`, `redis` takes OpenTelemetry. That takes memory that no server in production takes.
"""

import re
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
#: Not pinned, and in every virtual environment.
ALWAYS: Final = frozenset({"pip", "setuptools"})


def shipped_packages_alone() -> Mapping[str, str]:
    """The settings of such a process."""
    shipped = {_normalized(name) for name in PIN.findall((ROOT / "requirements/base.txt").read_text())} | ALWAYS
    hidden = [
        module
        for module, distributions in packages_distributions().items()
        if not shipped & {_normalized(name) for name in distributions}
    ]
    return {"PYTHONPATH": str(Path(__file__).parent), "HIDDEN_PACKAGES": ",".join(sorted(hidden))}


def _normalized(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()
