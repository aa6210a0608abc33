"""Where upstreams tell what has changed: signed, taken once, and dropped from the cache before they are answered."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gateway_clients.caching.keys import ID_LETTERS
from gateway_clients.database.batches import delete_in_batches
from gateway_clients.edge.access.rules import open_to_all
from gateway_clients.edge.errors import BadUserInputError, NotFoundError
from gateway_clients.edge.events.webhooks import ID_MAX_LENGTH, verified
from gateway_clients.edge.input.parsers import json_object, whole_body
from gateway_clients.edge.input.wrapped_request import django_request
from gateway_clients.edge.openapi.operations import shows
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.edge.rest.views import GatewayViewSet
from gateway_clients.instrumentation.metrics import metrics
from gateway_clients.invalidation import now_and_later
from gateway_clients.invalidation.rules import EVENTS, Change
from gateway_clients.models import ReceivedEvent

#: How long ids are remembered: longer than any sender repeats an event.
KEPT: Final = datetime.timedelta(days=7)
UNKNOWN: Final = "unknown"
#: What stands in the headers of an event, as the document tells it.
HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "webhook-id": {"type": "string", "minLength": 1, "maxLength": ID_MAX_LENGTH, "pattern": "^[!-~]+$"},
    "webhook-timestamp": {"type": "string", "maxLength": 12, "pattern": "^[0-9]{1,12}$"},
    "webhook-signature": {"type": "string", "maxLength": 8_000, "pattern": "^[ -~]+$"},
}
#: As long as a body may be.
ANY_TEXT: Final = {"maxLength": 1_000_000, "pattern": "^[^\\u0000]*$"}


class Event(ViewModel, frozen=True):
    """What an upstream tells: what kind of change, when, and the ids of what has changed."""

    type: Annotated[str, msgspec.Meta(examples=list(EVENTS), extra_json_schema=ANY_TEXT)]
    timestamp: Annotated[
        Annotated[str, msgspec.Meta(extra_json_schema=ANY_TEXT)] | int | float,
        msgspec.Meta(examples=["2026-03-01T08:30:00Z"]),
    ]
    data: Annotated[
        dict[str, Any],
        msgspec.Meta(examples=[{"claim_id": "clm-1", "member_id": "m-1", "provider_id": "p-1", "status": "approved"}]),
    ]


class EventsViewSet(GatewayViewSet):
    """Events of the upstreams."""

    @shows(
        None,
        status=202,
        request=Event,
        parameters=[
            OpenApiParameter(name, schema, OpenApiParameter.HEADER, required=True) for name, schema in HEADERS.items()
        ],
        errors={
            401: "The signature is wrong",
            404: "The gateway was given no secret for events",
            413: "Over 1 MB",
            503: "The database is down; see Retry-After",
        },
        is_open=True,
        tags=["events"],
        operation_id="receiveEvent",
    )
    @open_to_all
    def receive(self, request: Request) -> HttpResponse:
        """Takes an event, signed as the Standard Webhooks specification says.

        What it names is dropped from the cache before it is answered. A repeated `webhook-id` does nothing; an event
        of a type that the gateway does not know is taken and does nothing.
        """
        if not settings.EVENTS_WEBHOOK_SECRET:
            raise NotFoundError
        given = django_request(request)
        message = verified(given.headers, whole_body(given), settings.EVENTS_WEBHOOK_SECRET)
        take(message.webhook_id, event_of(message.body))
        return HttpResponse(status=202)


def event_of(body: bytes) -> Event:
    """The event that these bytes are. Raises BadUserInputError."""
    try:
        return msgspec.convert(json_object(body), Event)
    except msgspec.ValidationError:
        raise BadUserInputError("The body must have type, timestamp and data") from None


def lag_of(event: Event) -> float | None:
    """Seconds since the moment that the event names, none of them below 0; None where it names none that is one."""
    try:
        if isinstance(event.timestamp, str):
            happened = datetime.datetime.fromisoformat(event.timestamp)
            return max(0.0, (timezone.now() - happened).total_seconds())
        return max(0.0, timezone.now().timestamp() - event.timestamp)
    except (ValueError, TypeError, OverflowError):
        return None


def changes_of(event: Event) -> tuple[Change, ...]:
    """Returns the changes of an event; none for an unknown type. Raises BadUserInputError for data without its ids.

    The services name claims and providers as they like; a member's name must be an id.
    """
    known = EVENTS.get(event.type)
    if known is None:
        return ()
    names = (*known.required, *known.optional)
    ids = {name: event.data[name] for name in names if event.data.get(name) is not None}
    is_whole = all(name in ids for name in known.required) and ids
    if not is_whole or not all(isinstance(value, str) for value in ids.values()):
        raise BadUserInputError(errors={"data": [f"Must hold {' and '.join(names)}, as texts."]})
    try:
        return (Change(changed=known.changed, **ids),)
    except ValueError:
        raise BadUserInputError(errors={"data": [f"The member_id must be {ID_LETTERS}."]}) from None


def take(webhook_id: str, event: Event) -> None:
    """Drops what the event names and remembers its id, both or neither; nothing when it is known already.

    Raises OperationalError or InterfaceError while the database is down, and BadUserInputError.
    """
    changes = changes_of(event)
    kind = event.type if event.type in EVENTS else UNKNOWN
    try:
        with transaction.atomic():
            ReceivedEvent.objects.create(webhook_id=webhook_id)
            now_and_later.invalidate_durably(changes)
    except IntegrityError:
        metrics().event_received(kind=kind, is_repeat=True)
        return
    now_and_later.await_return()
    metrics().event_received(kind=kind, is_repeat=False)
    if changes and (lag_seconds := lag_of(event)) is not None:
        metrics().event_applied(lag_seconds=lag_seconds)


def forget_old_events() -> None:
    """Forgets the ids of events that nobody repeats any more; a chore of the worker."""
    delete_in_batches(ReceivedEvent.objects.filter(received_at__lt=timezone.now() - KEPT))
