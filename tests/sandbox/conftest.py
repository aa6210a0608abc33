"""A sandbox for the tests of a module, well again and counting from zero before each test."""

from collections.abc import Iterator
from datetime import date

import pytest
import requests

from sandbox.testing import Sandbox

TODAY = date(2026, 3, 15)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(today=TODAY) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.clear()
    running.reset()
    return running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session
