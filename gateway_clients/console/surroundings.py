"""What the overview says of Redis, the database and the outbox."""

import time
from collections.abc import Sequence
from typing import Final

from django.db import Error, connection
from django.urls import reverse
from django.utils import timezone

from gateway_clients.caching.redis_state import redis_state
from gateway_clients.console.figures import Figure, Trouble, register
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox.leases import oldest_due

#: A database that takes longer for the simplest question is slow.
SLOW_DATABASE_SECONDS: Final = 0.25
#: A message that has been due for longer says that no worker takes messages, or too few do.
LATE_SECONDS: Final = 60


def redis_figure() -> tuple[Figure, list[Trouble]]:
    """Redis, as it is for writes."""
    state = redis_state()
    if state == "up":
        return Figure(label="Redis", value="up"), []
    trouble = Trouble(
        tone="bad",
        title=f"Redis is {state}",
        whom="every read, which goes to the upstreams; this page shows this process alone",
        help="Runbook: Redis is down. Bring it back; nothing has to be restarted.",
    )
    return Figure(label="Redis", value=state, tone="bad"), [trouble]


def database_figure() -> tuple[Figure, list[Trouble]]:
    """The database, and how long it takes for the simplest question."""
    began_at = time.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return Figure(label="Database", value="down", tone="bad"), [
            Trouble(tone="bad", title="The database is down", help="Runbook: the database is down or frozen.")
        ]
    seconds = time.monotonic() - began_at
    figure = Figure(label="Database", value=f"{seconds * 1000:.0f} ms")
    if seconds < SLOW_DATABASE_SECONDS:
        return figure, []
    title = f"The database is slow: it takes {seconds * 1000:.0f} ms for the simplest question"
    trouble = Trouble(
        tone="fair",
        title=title,
        whom="sign-ins, claims and the looks of staff and providers, which wait for it; this page reads little of it",
        help="Runbook: the database is down or frozen.",
    )
    return Figure(label="Database", value=f"{seconds * 1000:.0f} ms", tone="fair", note="slow"), [trouble]


@register
def outbox() -> tuple[Sequence[Figure], Sequence[Trouble]]:
    """Returns the counts of waiting and parked messages of the outbox."""
    now, page = timezone.now(), reverse("admin:gateway_clients_outboxmessage_changelist")
    due_at = oldest_due(now=now)
    late_seconds = 0 if due_at is None else int((now - due_at).total_seconds())
    parked = OutboxMessage.objects.exclude(parked_at=None)
    count = parked.count()
    is_late = late_seconds > LATE_SECONDS
    troubles = []
    if is_late and due_at is not None:
        troubles.append(
            Trouble(
                tone="bad",
                title="The outbox is late: no worker takes messages, or too few do",
                since=due_at.timestamp(),
                whom="notifications and unknown submissions, which wait",
                help="Start a worker (manage.py run_worker).",
                url=page,
                action="Messages",
            )
        )
    if count:
        first = parked.order_by("parked_at").values_list("parked_at", flat=True).first()
        troubles.append(
            Trouble(
                tone="fair",
                title=f"{count} parked {'message waits' if count == 1 else 'messages wait'} for a decision",
                since=None if first is None else first.timestamp(),
                help="Each says what is wrong and what to do; then replay it.",
                url=f"{page}?parked=yes",
                action="Parked messages",
            )
        )
    age = Figure(label="Outbox age", value=f"{late_seconds} s", tone="bad" if is_late else "good", url=page)
    waiting = Figure(label="Parked", value=str(count), tone="fair" if count else "good", url=f"{page}?parked=yes")
    return [age, waiting], troubles
