"""The Dockerfile's steps, played by a script: a folder becomes the root of the image."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from packaging.utils import canonicalize_name

from tests.deploy.test_image import copied_from_checkout, stages
from tests.platform.settings_of import ROOT
from tests.support.processes import clean_environment
from tests.support.programs import NOT_RUN

UNREACHABLE: Final = ("Could not find a version", "No matching distribution", "ConnectionError", "Could not fetch")
#: Where a path of the image begins.
PATHS: Final = re.compile(r"(?<![\w.])(?=/(?:opt|tmp|app)/)")
#: What is in each virtual environment from the beginning.
IN_EACH: Final = shutil.ignore_patterns("pip", "pip-*", "setuptools*", "pkg_resources", "*distutils*")
PIN: Final = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", re.MULTILINE)


class Image:
    """A folder as the root of the image. `arguments` are what `docker build` has after `--build-arg`."""

    def __init__(self, root: Path, **arguments: str) -> None:
        self.root = root
        self.app = root / "app"
        self._arguments = arguments

    def build(self, *, beside: "Image | None" = None) -> None:
        """Does what the Dockerfile says, but for the user: that takes root, and changes the machine.

        What was installed in `beside` need not be installed anew.
        """
        (self.root / "tmp").mkdir(parents=True)
        (self.app / ".run").mkdir(parents=True)
        arguments: dict[str, str] = {}
        for line in stages()["build"]:
            instruction, _, rest = self._placed(line).partition(" ")
            if instruction == "ARG":
                name, _, default = rest.partition("=")
                arguments[name] = self._arguments.get(name, default.strip('"'))
            elif instruction == "COPY":
                name, target = rest.split()
                shutil.copy(ROOT / name, target)
            elif rest.startswith("python "):
                subprocess.run([sys.executable, *rest.split()[1:]], check=True, timeout=100)
                if beside is not None:
                    shutil.copytree(
                        beside.installed, self.installed, ignore=IN_EACH, copy_function=os.link, dirs_exist_ok=True
                    )
            elif instruction == "RUN":
                self._install(rest, arguments)
        assert self._arguments.keys() <= arguments.keys()
        for name in copied_from_checkout("runtime"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.app / name)
        for line in stages()["runtime"]:
            if line.startswith("COPY --from=build /tmp/"):
                shutil.copy(*self._placed(line).split()[2:])

    def _install(self, command: str, arguments: dict[str, str]) -> None:
        """Has a shell run it, as a Dockerfile has."""
        require_packages(
            subprocess.run(
                ["sh", "-c", command], env={**os.environ, **arguments},
                capture_output=True, text=True, check=False, timeout=280,
            )
        )  # fmt: skip

    def _placed(self, line: str) -> str:
        """A line of the Dockerfile, with its paths below the folder."""
        return PATHS.sub(str(self.root), line)

    @property
    def installed(self) -> Path:
        """The folder that packages are installed in."""
        (folder,) = (self.root / "opt" / "venv" / "lib").glob("python*/site-packages")
        return folder

    def packages(self) -> dict[str, str]:
        """What is installed beside pip itself, with its version."""
        listed = [str(self.root / "opt" / "venv" / "bin" / "python"), "-m", "pip", "list", "--format=json"]
        done = subprocess.run(listed, capture_output=True, text=True, check=True, timeout=60)
        found: list[dict[str, str]] = json.loads(done.stdout)
        return {
            canonicalize_name(each["name"]): each["version"]
            for each in found
            if each["name"] not in {"pip", "setuptools"}
        }

    def told_packages(self) -> dict[str, str]:
        """What its own list says is installed."""
        found = PIN.findall((self.app / "packages.txt").read_text())
        return {canonicalize_name(name): version for name, version in found}

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
