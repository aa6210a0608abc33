"""An audit trail of the test's own, seen from outside."""

from collections.abc import Callable

import pytest

from gateway_clients.audit.recorder import Recorder, recorder
from gateway_clients.models import AuditEntry

Entries = Callable[[], list[AuditEntry]]


@pytest.fixture
def entries(db: None) -> Entries:
    """The rows that were written since the test began."""
    recorder.cache_clear()
    before = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    def found() -> list[AuditEntry]:
        recorder().flush()
        return list(AuditEntry.objects.filter(pk__gt=before).order_by("pk"))

    return found


@pytest.fixture
def trail(db: None) -> Recorder:
    """A recorder with a chain of its own."""
    return Recorder()
