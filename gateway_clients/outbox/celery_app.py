"""Celery as the engine beyond one machine: one task, which works off what the database says is due."""

import ssl
from functools import cache
from pathlib import Path
from typing import Any, Final

from celery import Celery
from django.conf import settings
from django.core.signals import setting_changed

from gateway_clients.outbox.dispatcher import work_off

TASK: Final = "gateway.work_off"
#: Seconds that talking to the broker may take, so that a frozen one holds nobody.
BROKER_SECONDS: Final = 2.0
#: By scheme of the broker's address: how its client is told not to wait.
TRANSPORT_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "redis": {
        "socket_timeout": BROKER_SECONDS,
        "socket_connect_timeout": BROKER_SECONDS,
        "retry_on_timeout": False,
        "max_retries": 0,
    },
    "amqp": {"read_timeout": BROKER_SECONDS, "write_timeout": BROKER_SECONDS, "max_retries": 0},
}


@cache
def celery_app() -> Celery:
    """The app that nudges, and that workers run."""
    return _made(TRANSPORT_OPTIONS.get(_kind(), {}))


@cache
def worker_app() -> Celery:
    """The same for a worker, which waits for messages as long as none come."""
    return _made({})


def _made(transport_options: dict[str, Any]) -> Celery:
    app = Celery("web-bff", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    app.conf.update(
        task_default_queue=f"{settings.CACHE_KEY_PREFIX}.outbox",
        task_ignore_result=True,
        task_publish_retry=False,
        broker_transport_options=transport_options,
        broker_use_ssl=_tls(),
        # Lines are written to standard output; Celery would make log records of them, and lose those of its own.
        worker_redirect_stdouts=False,
        broker_connection_timeout=BROKER_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_pool_limit=1,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        # A nudge that nobody took is worth nothing: the sweep has found the work long before.
        task_publish_retry_policy={"max_retries": 0},
        result_expires=60,
    )
    app.task(name=TASK, expires=60, ignore_result=True)(work_off_task)
    return app


def work_off_task() -> int:
    """Works off what is due; how many messages there were."""
    return work_off()


def _tls() -> dict[str, Any] | None:
    """How the broker's certificate is checked; None without TLS. Left alone, kombu would not check Redis's at all."""
    scheme = settings.CELERY_BROKER_URL.partition("://")[0]
    if scheme == "rediss":
        place = "ssl_ca_path" if Path(settings.CA_BUNDLE).is_dir() and settings.CA_BUNDLE else "ssl_ca_certs"
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED, place: settings.CA_BUNDLE or None}
    if scheme == "amqps":
        return {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": settings.CA_BUNDLE or None, "server_hostname": None}
    return None


def _kind() -> str:
    scheme = settings.CELERY_BROKER_URL.partition("://")[0]
    return {"rediss": "redis", "pyamqp": "amqp", "amqps": "amqp"}.get(scheme, scheme)


def forget(*, setting: str, **_: object) -> None:
    """Make the apps anew when the setting changes."""
    if setting == "CELERY_BROKER_URL":
        celery_app.cache_clear()
        worker_app.cache_clear()


setting_changed.connect(forget)
