"""What tests of GraphQL share: a client of every role that asks, and upstreams that answer what a test says."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sandbox.testing import Sandbox
from tests.portal.conftest import as_, upstreams
from tests.support.well_upstreams import running
from tests.support.well_upstreams import sandbox as well

__all__ = ["as_", "running", "upstreams", "well"]

Asking = Callable[..., dict[str, Any]]


@pytest.fixture
def sandbox(well: Sandbox, settings: Any) -> Sandbox:
    """Services that are well, and a schema that may be asked for."""
    settings.RATE_LIMIT_MAX = 10_000
    settings.UPSTREAM_TIMEOUT_SECONDS = 0.5
    settings.GRAPHQL_INTROSPECTION = settings.GRAPHIQL = True
    return well


@pytest.fixture
def ask(as_: Callable[[str | None], Client]) -> Asking:
    """Asks as one of the portal tests' accounts; the answer's JSON."""

    def send(who: str | None, query: str, status: int = 200, **variables: Any) -> dict[str, Any]:
        answer = as_(who).post("/graphql", {"query": query, "variables": variables}, content_type="application/json")
        assert answer.status_code == status, answer.content
        body: dict[str, Any] = answer.json()
        return body

    return send
