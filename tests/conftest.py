"""Fixtures that tests of every part may use."""

import sys
from collections.abc import Callable, Iterator

import pytest
from django.db import connections
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from bff_project.processes import ports
from tests.support.redis_server import RedisServer
from tests.support.small_disk import small_disk

__all__ = ["small_disk"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The tests' database is a file, as a gateway's is, where a second writer waits for its turn.

    Django's own choice, memory that connections share, refuses the second at once: so it goes in no gateway. What is
    committed need not outlive a power cut.
    """
    settings = connections["default"].settings_dict
    if settings["ENGINE"].endswith("sqlite3"):
        settings["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "tests.sqlite3")
        settings["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"


@pytest.fixture(autouse=True, scope="session")
def _overrides_are_read_when_a_test_says_so() -> Iterator[None]:
    """A thread that reads the tests' database would meet their transactions; processes that tests start have it."""
    from gateway_clients.resilience import breaker_sync, overrides

    class StillReader(overrides.OverrideReader):
        def start(self) -> None: ...

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(breaker_sync, "OverrideReader", StillReader)
        yield


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_listed_once() -> Iterator[None]:
    """Each client of a test makes the middlewares anew; to list the static files takes longer than most requests."""
    found: dict[str, StaticFile] = {}
    add_files = WhiteNoiseMiddleware.add_files_from_finders

    def add_found_files(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            add_files(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_found_files)
        yield


@pytest.fixture(autouse=True)
def _health_is_looked_at_anew() -> None:
    """What a test before saw of the gateway's surroundings is kept for a second."""
    if health := sys.modules.get("gateway_clients.edge.http.health"):
        health.health_report.cache_clear()


@pytest.fixture(autouse=True)
def _no_answer_times_are_known() -> None:
    """How fast the upstreams of a test before were says nothing of this one's."""
    if module := sys.modules.get("gateway_clients.pipeline.answer_times"):
        module.rate_book.cache_clear()
        module.answer_times.cache_clear()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A new free port of this machine at each call."""
    return ports.free_port


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test's own, running; it may be killed, frozen and started again."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()
