"""Loaded before the settings: gives every test process a Redis of its own, and runs the phases of `manage.py test`."""

import gc
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.support.programs import NOT_RUN
from tests.support.redis_server import RedisServer

#: Nobody listens there: a test that needs Redis fails at once instead of using somebody else's.
NO_REDIS: Final = "redis://127.0.0.1:1/0"
OWN_REDIS: Final = pytest.StashKey[RedisServer]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("phases", "the two phases of manage.py test")
    group.addoption("--shuffle-seed", type=int, help="run files, and the tests of each, in an order made of this")
    group.addoption("--phase", choices=("together", "alone"), help="only tests without, or only with, the mark `alone`")
    group.addoption("--note-alone", type=Path, help="list here the files with tests for the phase `alone`")
    group.addoption("--earlier-exit-code", type=int, default=0, help="how the phase before ended")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Before pytest-django reads the settings."""
    os.environ["ENVIRONMENT"] = "development"
    os.environ["REDIS_URL"] = NO_REDIS
    # Nobody answers from memory in a test process, so nobody is waited for; gateways that tests start do.
    os.environ["CLUSTER_LEASE_SECONDS"] = "0"
    if RedisServer.is_possible():
        server = RedisServer()
        server.start()
        early_config.stash[OWN_REDIS] = server
        os.environ["REDIS_URL"] = server.url
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(OWN_REDIS, None)
    if server is not None:
        server.remove()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the items of the phase that is asked for, in the order that is asked for."""
    phase = config.getoption("phase")
    if phase is not None:
        left = _keep(config, items, lambda item: bool(item.get_closest_marker("alone")) == (phase == "alone"))
        note: Path | None = config.getoption("note_alone")
        if note is not None and left:
            note.write_text("\n".join(dict.fromkeys(str(item.path) for item in left)))
    seed: int | None = config.getoption("shuffle_seed")
    if seed is not None:
        # Of the names, so that every process of pytest-xdist has the same order.
        items.sort(key=lambda item: (_draw(seed, str(item.path)), _draw(seed, item.nodeid)))


def pytest_collection_finish() -> None:
    """Keeps the collector from looking at what was collected: a pass over thousands of tests takes half a second.

    In that time a test's own clock runs, and nothing that it reads is read.
    """
    gc.collect()
    gc.freeze()


def pytest_report_header(config: pytest.Config) -> list[str]:
    seed: int | None = config.getoption("shuffle_seed")
    return [] if seed is None else [f"Using shuffle seed: {seed}"]


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Declares the tags of `django.test.tag`, of which pytest-django makes marks."""
    for holder in (getattr(item, "obj", None), getattr(item, "cls", None)):
        for tag in getattr(holder, "tags", ()):
            item.config.addinivalue_line("markers", f"{tag}: a tag of Django's")


def _keep(config: pytest.Config, items: list[pytest.Item], is_kept: Callable[[pytest.Item], bool]) -> list[pytest.Item]:
    """Takes out those that are not kept, and returns them."""
    left = [item for item in items if not is_kept(item)]
    if left:
        items[:] = [item for item in items if is_kept(item)]
        config.hook.pytest_deselected(items=left)
    return left


def _draw(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says loudly what was left out, and how the phase before ended, just above the last line."""
    for lines, title in (
        (_left_out(terminalreporter.stats.get("skipped", ())), "NOT RUN FOR WANT OF A PROGRAM"),
        (_without_redis(config), "NO REDIS"),
        (_earlier(config.getoption("earlier_exit_code")), "THE TESTS BEFORE THESE FAILED"),
    ):
        if lines:
            terminalreporter.section(title, red=True, bold=True)
            for line in lines:
                terminalreporter.line(line)


def _left_out(skipped: Sequence[pytest.TestReport]) -> list[str]:
    reasons = ((report.nodeid, report.longrepr) for report in skipped)
    return [
        f"{node_id}: {reason[2].removeprefix('Skipped: ')}"
        for node_id, reason in reasons
        if isinstance(reason, tuple) and NOT_RUN in reason[2]
    ]


def _without_redis(config: pytest.Config) -> list[str]:
    is_there = config.stash.get(OWN_REDIS, None) is not None
    return [] if is_there else ["There is no Redis server program on this machine: what needs one has failed."]


def _earlier(exit_code: int) -> list[str]:
    return [f"pytest ended with {exit_code} for the tests that run side by side; see above."] if exit_code == 1 else []
