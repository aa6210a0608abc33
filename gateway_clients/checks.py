"""System checks of the settings: errors in production, silence in development, except for what can never work."""

import base64
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from gateway_clients.caching.redis_state import leads_to_cluster
from gateway_clients.conf import SERVICES, example_url
from gateway_clients.database import connection_count
from gateway_clients.edge.graphql.trusted_documents import trusted_documents
from gateway_clients.runtime.failpoints import Failpoint

SECRET_MIN_BYTES: Final = 32
EXAMPLE: Final = "change-me"
ENCRYPTION_KEY_BYTES: Final = 32
#: The Standard Webhooks specification wants secrets of 24 to 64 random bytes.
EVENT_SECRET_BYTES: Final = range(24, 65)

Check = Callable[[], Iterator[CheckMessage]]


@register(Tags.security)
def check_production(**_given: Any) -> Sequence[CheckMessage]:
    """Returns what `ENVIRONMENT=production` and `staging` refuse to start with."""
    if settings.ENVIRONMENT == "development":
        return []
    return [message for check in PRODUCTION_CHECKS for message in check()]


@register(Tags.security)
def check_always(**_given: Any) -> Sequence[CheckMessage]:
    """Returns what no environment can work with."""
    return [message for check in CHECKS for message in check()]


@register(Tags.caches)
def check_redis(**_given: Any) -> Sequence[CheckMessage]:
    """Returns an error for a Redis Cluster at REDIS_URL: the cache's scripts need all their keys on one server."""
    if not leads_to_cluster():
        return []
    return [Error("REDIS_URL leads to a Redis Cluster, which is not supported.", id="gateway.E008")]


@register(Tags.database)
def check_connections(databases: Sequence[str] | None = None, **_given: Any) -> Sequence[CheckMessage]:
    """Whether the database server has as many connections to give as the gateway's workers may take."""
    found = [connection_count.count(connections[alias]) for alias in databases or ()]
    return [
        Warning(connection_count.too_few(count), id="gateway.W020") for count in found if count and not count.is_enough
    ]


def _environment() -> Iterator[CheckMessage]:
    if settings.ENVIRONMENT not in {"production", "staging", "development"}:
        yield Error("ENVIRONMENT must be production, staging or development.", id="gateway.E001")


def _no_game_days() -> Iterator[CheckMessage]:
    if settings.GAME_DAYS and settings.ENVIRONMENT == "production":
        yield Error("GAME_DAYS must not be set with ENVIRONMENT=production.", id="gateway.E019")


def _different_keys() -> Iterator[CheckMessage]:
    if not settings.JWT_SECRET or not settings.REFRESH_TOKEN_SECRET:
        yield Error("JWT_SECRET and REFRESH_TOKEN_SECRET must each hold a secret.", id="gateway.E002")
    if not settings.AUDIT_KEYS:
        yield Error("AUDIT_KEYS must hold a key.", id="gateway.E018")
    if set(settings.JWT_SECRET) & set(settings.REFRESH_TOKEN_SECRET):
        yield Error("JWT_SECRET and REFRESH_TOKEN_SECRET must differ.", id="gateway.E003")


def _encryption_keys() -> Iterator[CheckMessage]:
    for key in settings.CACHE_ENCRYPTION_KEYS:
        try:
            is_whole = len(base64.b64decode(key, validate=True)) == ENCRYPTION_KEY_BYTES
        except ValueError:
            is_whole = False
        if not is_whole:
            yield Error("CACHE_ENCRYPTION_KEYS must be base64 of 32 bytes each.", id="gateway.E004")
            return


def _known_failpoint() -> Iterator[CheckMessage]:
    if settings.FAILPOINT and settings.FAILPOINT not in set(Failpoint):
        yield Error(f"FAILPOINT must be one of {', '.join(Failpoint)}.", id="gateway.E005")


def _event_secrets() -> Iterator[CheckMessage]:
    for secret in settings.EVENTS_WEBHOOK_SECRET:
        try:
            Webhook(secret)
        except (ValueError, EmptyWebhookSecretError):
            yield Error("EVENTS_WEBHOOK_SECRET must be base64, with or without whsec_.", id="gateway.E006")
            return


def _trusted_documents() -> Iterator[CheckMessage]:
    try:
        trusted_documents()
    except (OSError, ValueError) as error:
        reason = "cannot be read" if isinstance(error, OSError) else "is not a JSON object of SHA-256 → document"
        yield Error(f"GRAPHQL_TRUSTED_DOCUMENTS names a file that {reason}.", id="gateway.E007")


def _replaced_names() -> Iterator[CheckMessage]:
    if "NODE_ENV" in os.environ and "ENVIRONMENT" not in os.environ:
        yield Warning(
            "NODE_ENV is not read: ENVIRONMENT replaces it.",
            hint=f"ENVIRONMENT is {settings.ENVIRONMENT} now. Set it, and remove NODE_ENV.",
            id="gateway.W001",
        )


def _secrets() -> Iterator[CheckMessage]:
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "JWT_SECRET", "REFRESH_TOKEN_SECRET", "AUDIT_KEYS"):
        value = getattr(settings, name)
        secrets = (value,) if isinstance(value, str) else value
        if any(EXAMPLE in secret for secret in secrets):
            yield Error(
                f"{name} is left at its example value.",
                hint="On your own machine set ENVIRONMENT=development, as `make run` does.",
                id="gateway.E010",
            )
        elif any(len(secret.encode()) < SECRET_MIN_BYTES for secret in secrets):
            yield Error(f"{name} must have at least {SECRET_MIN_BYTES} bytes.", id="gateway.E011")


def _debug() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error("DEBUG must be off.", id="gateway.E012")


def _hosts() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Error("ALLOWED_HOSTS must not hold *.", id="gateway.E013")


def _cors() -> Iterator[CheckMessage]:
    is_open = getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False) or getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", ())
    if is_open or {"*", "null"} & set(settings.CORS_ALLOWED_ORIGINS):
        yield Error("CORS_ALLOWED_ORIGINS must be an exact list.", id="gateway.E014")


def _failpoint() -> Iterator[CheckMessage]:
    if settings.FAILPOINT:
        yield Error("FAILPOINT is for tests alone.", id="gateway.E015")


def _encryption() -> Iterator[CheckMessage]:
    if not settings.CACHE_ENCRYPTION_KEYS:
        yield Error("CACHE_ENCRYPTION_KEYS is missing.", id="gateway.E016")


def _service_urls() -> Iterator[CheckMessage]:
    for service in SERVICES:
        name = f"{service.upper()}_SERVICE_URL"
        if getattr(settings, name).rstrip("/") == example_url(service):
            yield Error(
                f"{name} is unset or left at its example value, {example_url(service)}.",
                hint=f"Set it to the address of the {service} service, such as https://{service}.example.com; "
                f"one that does run on this machine is http://127.0.0.1:{SERVICES[service]}.",
                id="gateway.E021",
            )


def _long_event_secrets() -> Iterator[CheckMessage]:
    for secret in settings.EVENTS_WEBHOOK_SECRET:
        with suppress(ValueError):  # E006 tells of that
            if len(base64.b64decode(secret.removeprefix("whsec_"))) not in EVENT_SECRET_BYTES:
                yield Error("EVENTS_WEBHOOK_SECRET must be base64 of 24 to 64 bytes each.", id="gateway.E017")
                return


CHECKS: Final[tuple[Check, ...]] = (
    _environment,
    _different_keys,
    _encryption_keys,
    _known_failpoint,
    _event_secrets,
    _trusted_documents,
    _replaced_names,
)
PRODUCTION_CHECKS: Final[tuple[Check, ...]] = (
    _secrets,
    _debug,
    _hosts,
    _cors,
    _failpoint,
    _encryption,
    _service_urls,
    _long_event_secrets,
    _no_game_days,
)
