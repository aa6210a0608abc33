"""Loaded before the settings: gives every test process a Redis of its own, and runs the phases of `manage.py test`."""

import os
from collections.abc import Iterator, Sequence
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
    group.addoption("--phase", choices=("together", "alone"), help="only tests without, or only with, the mark `alone`")
    group.addoption("--note-alone", type=Path, help="make this file when tests were left for the phase `alone`")
    group.addoption("--earlier-exit-code", type=int, default=0, help="how the phase before ended")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Before pytest-django reads the settings."""
    os.environ["ENVIRONMENT"] = "development"
    os.environ["REDIS_URL"] = NO_REDIS
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
    """Keeps the items of the phase that is asked for."""
    phase = config.getoption("phase")
    if phase is None:
        return
    alone = [item for item in items if item.get_closest_marker("alone")]
    together = [item for item in items if not item.get_closest_marker("alone")]
    kept, left = (alone, together) if phase == "alone" else (together, alone)
    note: Path | None = config.getoption("note_alone")
    if note is not None and left:
        note.touch()
    if left:
        items[:] = kept
        config.hook.pytest_deselected(items=left)


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
