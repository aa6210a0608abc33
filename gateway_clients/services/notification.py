"""The notification service: what members and providers were told."""

from collections.abc import Sequence

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import SAMPLE_ITEMS, Query, Service, representation_of
from gateway_clients.services.payload_parser import Moment, Page, Payload, hold_in_utc, nothing, one, page


class NotificationPayload(Payload, frozen=True):
    """One notification, to a member or to a provider."""

    id: str
    type: str
    title: str
    created_at: Moment
    is_read: bool
    member_id: str | None = None
    provider_id: str | None = None
    body: str | None = None
    claim_id: str | None = None

    def __post_init__(self) -> None:
        """Moments are kept in UTC."""
        hold_in_utc(self, "created_at")


class NotificationService(Service):
    """The typed client of the notification service. `recipient` is a member or a provider."""

    name = "notification"

    def sample(self, member_id: str) -> Call[Page[NotificationPayload]]:
        return self.list_notifications(Subject.member(member_id), limit=SAMPLE_ITEMS)

    def list_notifications(
        self, recipient: Subject, *, unread: bool | None = None, limit: int = 20, is_kept: bool = True
    ) -> Call[Page[NotificationPayload]]:
        """The recipient's, newest first; asked for anew unless `is_kept`."""
        query = {"unread": unread, "limit": limit}
        key = CacheKey(DataClass.NOTIFICATIONS, representation_of("list", query), subject=recipient)
        parse = page(
            NotificationPayload,
            is_asked_for=lambda notification: _is_to(notification, recipient),
            has_total=False,
        )
        return self._read(
            "listNotifications",
            ("notifications",),
            parse,
            query={**_whose(recipient), **query},
            key=key if is_kept else None,
        )

    def send_notification(
        self,
        *,
        type: str,
        user_id: str,
        channel: Sequence[str],
        claim_id: str | None = None,
        idempotency_key: str,
    ) -> Call[None]:
        """Tells a user something over these channels; repeated with the same key it is sent once."""
        body = {"type": type, "claim_id": claim_id, "user_id": user_id, "channel": list(channel)}
        return self._write(
            "sendNotification",
            ("notifications",),
            nothing,
            body={name: value for name, value in body.items() if value is not None},
            idempotency_key=idempotency_key,
        )

    def mark_notification_read(self, notification_id: str, recipient: Subject) -> Call[NotificationPayload]:
        """Marks it read; 404 where it is not the recipient's. Safe to repeat."""
        parse = one(
            NotificationPayload,
            is_asked_for=lambda marked: marked.id == notification_id and _is_to(marked, recipient),
        )
        path = ("notifications", notification_id, "read")
        return self._write("markNotificationRead", path, parse, query=_whose(recipient))


def _whose(recipient: Subject) -> Query:
    return {f"{recipient.kind}_id": recipient.id}


def _is_to(notification: NotificationPayload, recipient: Subject) -> bool:
    # The contract lets the service leave out whom a notification is to; it may not name somebody else.
    member_id, provider_id = notification.member_id, notification.provider_id
    to, other = (member_id, provider_id) if recipient.kind == "member" else (provider_id, member_id)
    return to == recipient.id if to is not None else not other
