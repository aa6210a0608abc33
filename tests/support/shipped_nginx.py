"""nginx with the files of deploy/nginx, on ports and in a folder of the test's own."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from bff_project.processes.ports import LOOPBACK, free_port, is_answering
from tests.support.gateway import ROOT
from tests.support.processes import Started, clean_environment
from tests.support.programs import NOT_RUN, program
from tests.support.waiting import wait_until

SHIPPED: Final = ROOT / "deploy" / "nginx"
#: Where Debian has what other builds of nginx have within them.
STREAM_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
#: What the shipped files name below the folder that is for writing.
WRITTEN: Final = re.compile(r"/tmp/([\w.]+)(?=[;\s])")


class ShippedNginx:
    """nginx as it is shipped before these gateways; `changes` are texts of its files and what stands for them here."""

    def __init__(
        self,
        directory: Path,
        gateways: Sequence[int],
        *,
        changes: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        self.program = program("nginx", "/usr/sbin/nginx")
        self.port = free_port()
        self.directory = directory / f"nginx-{self.port}"
        shutil.copytree(SHIPPED, self.directory)
        for name, text in (files or {}).items():
            (self.directory / name).write_text(text)
        for path in self.directory.glob("*.conf"):
            text = path.read_text()
            for shipped, here in (changes or {}).items():
                text = text.replace(shipped, here)
            path.write_text(WRITTEN.sub(rf"{self.directory}/\1", text))
        self._replace("listen.conf", "listen 8080", f"listen {LOOPBACK}:{self.port}")
        self._replace("status.conf", ":8082", f":{free_port()}")
        (self.directory / "upstream.conf").write_text(_servers(gateways))
        self._prepend(self._first_lines())
        self._started: Started | None = None

    def check(self) -> str:
        """What `nginx -t` says of the files. Raises CalledProcessError."""
        done = subprocess.run([*self._command(), "-t"], check=True, capture_output=True, text=True, timeout=20)
        return done.stderr

    def __enter__(self) -> "ShippedNginx":
        self._started = Started(
            self._command(), cwd=self.directory, environment=clean_environment(), log=self.directory / "output"
        )
        try:
            wait_until(lambda: is_answering(self.port), seconds=10)
        except AssertionError:
            self.__exit__()
            raise AssertionError(f"nginx does not answer: {self.output}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._started is not None:
            # nginx writes its title over its environment, where `remove` would look for its workers.
            self._started.process.terminate()
            self._started.process.wait(20)
            self._started.remove()

    @property
    def output(self) -> str:
        """What it has said so far."""
        return (self.directory / "output").read_text()

    def _command(self) -> list[str]:
        return [self.program, "-p", str(self.directory), "-e", "stderr", "-c", str(self.directory / "nginx.conf")]

    def _first_lines(self) -> str:
        built = subprocess.run([self.program, "-V"], check=True, capture_output=True, text=True, timeout=20).stderr
        lines = "daemon off;\n" + ("user root;\n" if os.geteuid() == 0 else "")
        if "--with-stream " in f"{built} ".replace("\n", " "):
            return lines
        if not STREAM_MODULE.exists():
            pytest.skip(f"{NOT_RUN} nginx with its stream part (libnginx-mod-stream)")
        return f"load_module {STREAM_MODULE};\n{lines}"

    def _prepend(self, text: str) -> None:
        path = self.directory / "nginx.conf"
        path.write_text(text + path.read_text())

    def _replace(self, name: str, shipped: str, here: str) -> None:
        path = self.directory / name
        text = path.read_text()
        assert shipped in text, f"{name} has no {shipped}"
        path.write_text(text.replace(shipped, here))


def _servers(gateways: Sequence[int]) -> str:
    """upstream.conf with these ports instead of a name, and the options that it has for that."""
    (options,) = re.findall(
        r"^server gateway:4000 resolve (.*);$", (SHIPPED / "upstream.conf").read_text(), re.MULTILINE
    )
    return "\n".join(f"server {LOOPBACK}:{port} {options};" for port in gateways)
