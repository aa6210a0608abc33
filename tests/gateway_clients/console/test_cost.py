"""What looking on costs: a warm answer, counted and explained, beside one that is neither, in pairs of one run."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory
from pytest_django import Settings

from gateway_clients.edge.http import middleware
from gateway_clients.edge.http.observation import observe
from members import token_families
from members.models import Account
from sandbox.testing import Sandbox
from tests.gateway_clients.console.conftest import PASSWORD

DASHBOARD = "/api/v1/dashboard/m-1"
REQUESTS, PAIRS, MOST = 60, 25, 1.05


@pytest.fixture
def warm(settings: Settings) -> Iterator[dict[str, str]]:
    """The headers of a member whose dashboard is kept."""
    settings.RATE_LIMIT_MAX = 1_000_000
    with Sandbox() as sandbox:
        for name, url in sandbox.urls.items():
            setattr(settings, name, url)
        account = Account.objects.create_user("siti@example.com", PASSWORD, member_id="m-1")
        headers = {"Authorization": f"Bearer {token_families.begin(account).access}"}
        assert Client(headers=headers).get(DASHBOARD).json()["meta"]["complete"] is True
        yield headers


def seconds_of(handler: WSGIHandler, headers: dict[str, str]) -> float:
    """The processor's time for so many warm answers."""
    began_at = time.thread_time()
    for _ in range(REQUESTS):
        environ = RequestFactory(headers=headers).get(DASHBOARD).environ
        response = handler(environ, lambda *_: None)
        b"".join(response)
        response.close()
    return time.thread_time() - began_at


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.django_db
def test_a_warm_answer_costs_little_more_where_it_is_counted_and_explained(
    warm: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, ratios = WSGIHandler(), []
    nothing: Callable[..., Any] = lambda *_: None  # noqa: E731 - stands in for a function
    for number in range(PAIRS):
        times = {}
        for watcher in (observe, nothing) if number % 2 else (nothing, observe):
            monkeypatch.setattr(middleware, "observe", watcher)
            times[watcher] = seconds_of(handler, warm)
        ratios.append(times[observe] / times[nothing])
    print(f"ratios: median {statistics.median(ratios):.3f}, quartiles {statistics.quantiles(ratios, n=4)}")
    assert statistics.median(ratios) <= MOST
