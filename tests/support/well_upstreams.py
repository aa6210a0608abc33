"""The sandbox's services, started once for a folder of tests, all well, and asked by the gateway of the test itself."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.testing import Sandbox


@pytest.fixture(scope="package")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox, settings: Any) -> Sandbox:
    """All services well, nothing counted; the gateway asks them, keeps nothing yet, hashes fast, and limits nobody."""
    running.clear()
    running.reset()
    settings.CACHE_KEY_PREFIX = uuid.uuid4().hex
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.RATE_LIMIT_MAX = settings.LOGIN_RATE_LIMIT_MAX = 100_000
    for name, url in running.urls.items():
        setattr(settings, name, url)
    return running
