"""The Dockerfile's steps, played by a script: a folder becomes the root of the image."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.test_image import copied_from_checkout, stages
from tests.platform.settings_of import ROOT
from tests.support.processes import clean_environment
from tests.support.programs import NOT_RUN

UNREACHABLE: Final = ("Could not find a version", "No matching distribution", "ConnectionError", "Could not fetch")


class Image:
    """A folder as the root of the image."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.app = root / "app"

    def build(self) -> None:
        """Does what the Dockerfile says, but for the user: that takes root, and changes the machine."""
        for line in stages()["build"]:
            words = line.split()
            if words[0] == "COPY":
                (self.root / "tmp").mkdir(exist_ok=True)
                shutil.copy(ROOT / words[1], self.placed(words[2]))
            elif words[:2] == ["RUN", "python"]:
                subprocess.run([sys.executable, *map(self.placed, words[2:])], check=True, timeout=100)
            elif words[0] == "RUN":
                self._run_pip(" ".join(map(self.placed, words[1:])))
        (self.app / ".run").mkdir(parents=True)
        for name in copied_from_checkout("runtime"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.app / name)

    def _run_pip(self, command: str) -> None:
        """Has a shell run it, as a Dockerfile has, with what its ARGs are unless told."""
        require_packages(
            subprocess.run(
                ["sh", "-c", command], env={**os.environ, "WITH_TRACES": ""},
                capture_output=True, text=True, check=False, timeout=280,
            )
        )  # fmt: skip

    def placed(self, word: str) -> str:
        """A word of the Dockerfile, with its paths below the folder."""
        return f"{self.root}{word}" if word.startswith(("/opt/", "/tmp/", "/app/")) else word

    def command(self, keyword: str) -> list[str]:
        """What the last stage says after CMD or HEALTHCHECK."""
        (line,) = (each for each in stages()["gateway"] if each.startswith(keyword))
        words: list[str] = json.loads(line[line.index("[") :])
        return [str(self.root / "opt" / "venv" / "bin" / words[0]), *words[1:]]

    def environment(self, **settings: str) -> dict[str, str]:
        """What ENV says, and these settings."""
        said = dict(
            word.split("=", 1) for line in stages()["runtime"] if line.startswith("ENV ") for word in line.split()[1:]
        )
        path = f"{self.root}/opt/venv/bin:{os.environ['PATH']}"
        return {**clean_environment(), **said, "PATH": path, **settings}


def require_packages(done: subprocess.CompletedProcess[str]) -> None:
    """Holds a run of pip to its success; leaves the test out where it reached no index of packages."""
    if done.returncode and any(words in done.stderr for words in UNREACHABLE):
        pytest.skip(f"{NOT_RUN} that reaches an index of packages: pip found none")
    assert done.returncode == 0, done.stderr
