"""The broker: whether it takes a nudge."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings

from bff_project.doctor.finding import Finding, Level
from gateway_clients.outbox.celery_app import BROKER_SECONDS, celery_app

AREA: Final = "broker"


def examine_broker() -> Iterator[Finding]:
    """Yields what is found at CELERY_BROKER_URL."""
    if not settings.CELERY_BROKER_URL:
        yield Finding(AREA, Level.OK, "none is set: workers look for work twice a second")
        return
    try:
        with celery_app().connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
            broker.connect().channel().close()
    except Exception as error:  # noqa: BLE001  each transport raises errors of its own
        advice = "Check CELERY_BROKER_URL. Until then workers find the work by themselves, half a second later."
        yield Finding(AREA, Level.WARNING, f"it cannot be used: {type(error).__name__}", advice)
    else:
        yield Finding(AREA, Level.OK, "it answers")
