"""What tests of GraphQL share: a client of every role that asks, and upstreams that answer what a test says."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from sandbox.testing import Sandbox
from tests.portal.conftest import as_, gateway

__all__ = ["as_", "gateway"]

Asking = Callable[..., dict[str, Any]]


@pytest.fixture(scope="package")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox, settings: Any) -> Sandbox:
    """All services well, nothing counted, nothing kept; the gateway asks them."""
    running.clear()
    running.reset()
    settings.RATE_LIMIT_MAX = 10_000
    settings.UPSTREAM_TIMEOUT_SECONDS = 0.5
    settings.CACHE_KEY_PREFIX = uuid.uuid4().hex
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.GRAPHQL_INTROSPECTION = settings.GRAPHIQL = True
    for name, url in running.urls.items():
        setattr(settings, name, url)
    return running


@pytest.fixture
def ask(as_: Callable[[str | None], Client]) -> Asking:
    """Asks as one of the portal tests' accounts; the answer's JSON."""

    def send(who: str | None, query: str, status: int = 200, **variables: Any) -> dict[str, Any]:
        answer = as_(who).post("/graphql", {"query": query, "variables": variables}, content_type="application/json")
        assert answer.status_code == status, answer.content
        body: dict[str, Any] = answer.json()
        return body

    return send
