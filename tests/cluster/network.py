"""Machines as network namespaces on one bridge: the link of each can be cut, as a whole or to one address.

All of it lies in namespaces with names of the run's own, without a way out of them, and is gone afterwards.
"""

import ctypes
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.support.programs import NOT_RUN, program
from tests.support.waiting import wait_until

#: Where the test asks from.
TEST: Final = "10.231.0.1"
#: Of servers, each at an address of its own: whoever loses one keeps the others.
REDIS: Final = "10.231.0.10"
POSTGRES: Final = "10.231.0.11"
BROKER: Final = "10.231.0.12"
UPSTREAMS: Final = "10.231.0.13"
SERVERS: Final = (REDIS, POSTGRES, BROKER, UPSTREAMS)
#: Nobody's: what is sent there arrives nowhere, and nobody says so.
NOWHERE: Final = "02:00:00:00:00:99"
CLONE_NEWNET: Final = 0x40000000
NAMESPACES: Final = Path("/run/netns")
OUTSIDE: Final = Path("/proc/thread-self/ns/net")


class Machine:
    """A network namespace with one link, and the address of it."""

    def __init__(self, ip: str, name: str, hub: str, number: int) -> None:
        self._ip = ip
        self.name = name
        self.address = f"10.231.0.{100 + number}"
        inside, outside = f"m{number}", f"b{number}"
        _run(ip, "netns", "add", name)
        _run(ip, "-n", hub, "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name)
        _run(ip, "-n", hub, "link", "set", outside, "master", "bridge", "up")
        self._run("addr", "add", f"{self.address}/24", "dev", inside)
        self._run("link", "set", "lo", "up")
        self._run("link", "set", inside, "up")
        self._link = inside

    @property
    def command(self) -> list[str]:
        """What a command begins with that is to run here."""
        return [self._ip, "netns", "exec", self.name]

    @contextmanager
    def cut_off_from(self, *addresses: str) -> Iterator[None]:
        """What it sends there vanishes without a word, as behind a firewall that forgot it."""
        for address in addresses:
            self._run("neigh", "replace", address, "lladdr", NOWHERE, "nud", "permanent", "dev", self._link)
        try:
            yield
        finally:
            for address in addresses:
                self._run("neigh", "del", address, "dev", self._link)

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Its link is down."""
        self._run("link", "set", self._link, "down")
        try:
            yield
        finally:
            self._run("link", "set", self._link, "up")

    def _run(self, *arguments: str) -> None:
        _run(self._ip, "-n", self.name, *arguments)


class Network:
    """The hub, where the servers and the test are, and the machines around it."""

    def __init__(self) -> None:
        self._ip = program("ip", "/usr/sbin/ip", "/sbin/ip")
        self._run_name = f"bff-{secrets.token_hex(4)}"
        self._names: list[str] = []
        self._hub = self._new_name("hub")
        try:
            _run(self._ip, "netns", "add", self._hub)
        except subprocess.CalledProcessError:
            pytest.skip(f"{NOT_RUN} that may make network namespaces (root's ip netns)")
        for arguments in (
            ("link", "add", "bridge", "type", "bridge"),
            ("link", "set", "lo", "up"),
            ("link", "set", "bridge", "up"),
            *(("addr", "add", f"{address}/24", "dev", "bridge") for address in (TEST, *SERVERS)),
        ):
            _run(self._ip, "-n", self._hub, *arguments)

    def machine(self, name: str) -> Machine:
        """Adds one."""
        own = self._new_name(name)
        return Machine(self._ip, own, self._hub, len(self._names))

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and those threads and processes that it starts, are in the hub meanwhile."""
        with OUTSIDE.open() as outside, (NAMESPACES / self._hub).open() as hub:
            _enter(hub.fileno())
            try:
                yield
            finally:
                _enter(outside.fileno())

    def remove(self) -> None:
        """Ends whoever is left in the namespaces, and removes them."""
        for name in self._names:
            wait_until(lambda name=name: self._is_empty(name), seconds=10)
            _run(self._ip, "netns", "del", name)

    def _is_empty(self, name: str) -> bool:
        left = [int(pid) for pid in _run(self._ip, "netns", "pids", name).split()]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    def _new_name(self, name: str) -> str:
        self._names.append(f"{self._run_name}-{name}")
        return self._names[-1]


def _run(ip: str, *arguments: str) -> str:
    return subprocess.run([ip, *arguments], check=True, capture_output=True, text=True, timeout=20).stdout


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
