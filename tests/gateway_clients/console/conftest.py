"""Staff, signed in."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from gateway_clients.caching.census import census_taker
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.fleet.pulse import pulse
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline import upstreams
from gateway_clients.redis_access.circuit import CacheDownError
from gateway_clients.resilience.breaker_sync import BreakerSync, breaker_sync
from members.models import Account
from tests.support.waiting import wait_until

PASSWORD = "a-long-password-of-staff"


def forget() -> None:
    for made in (census_taker, default_cache, invalidations, breaker_sync, pulse, tally):
        made.cache_clear()
    upstreams.forget()


@pytest.fixture(autouse=True)
def _own_pipe(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A prefix and a process of the test's own, which looks into Redis when the test says so."""
    monkeypatch.setattr(BreakerSync, "start", BreakerSync._poll_safely)
    settings.CACHE_KEY_PREFIX = f"test-{uuid.uuid4().hex}"
    forget()
    wait_until(_is_redis_there)
    yield
    forget()


def _is_redis_there() -> bool:
    """A test before may have pointed the connection that all circuits share elsewhere."""
    with suppress(CacheDownError):
        return bool(default_cache().circuit.run(lambda redis: redis.ping()))
    return False


@pytest.fixture
def redis_down(settings: Settings, free_port: Callable[[], int]) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": url}}
    forget()


@pytest.fixture
def boss(db: None) -> Account:
    return Account.objects.create_superuser("boss@example.com", PASSWORD)


@pytest.fixture
def staff(client: Client, boss: Account) -> Client:
    client.force_login(boss)
    return client


def helper_with(*permissions: str) -> Account:
    """Staff who may do these things only."""
    helper = Account.objects.create_user("helper@example.com", PASSWORD, is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__app_label="console", codename__in=permissions))
    return helper
