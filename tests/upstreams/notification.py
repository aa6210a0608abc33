"""The notification service."""

from gateway_clients.gateway import Gateway
from tests.sandbox.asking import NOTICE
from tests.upstreams.samples import (
    THE_MEMBER,
    THE_PROVIDER,
    Change,
    Effect,
    Example,
    Foreign,
    Json,
    Read,
    UpstreamSamples,
    a_page,
)

notification = Gateway.notification
NOTIFICATION: Json = {
    "id": "n-1",
    "type": "claim_submitted",
    "title": "Claim received",
    "created_at": "2026-03-01T00:00:00Z",
    "is_read": False,
    "member_id": "m-1",
}
UNADDRESSED = NOTIFICATION | {"member_id": None}

SAMPLES = UpstreamSamples(
    well={"listNotifications": {"items": [NOTIFICATION]}},
    done={"markNotificationRead": UNADDRESSED | {"is_read": True}},
    reads=[
        Read(
            notification.list_notifications(THE_MEMBER, limit=5),
            "listNotifications",
            "GET /notifications?member_id=m-1&limit=5",
            "notifications:member:m-1:list:limit=5",
            {"member:m-1"},
        ),
        Read(
            notification.list_notifications(THE_PROVIDER, unread=True),
            "listNotifications",
            "GET /notifications?provider_id=p-1&unread=true&limit=20",
            "notifications:provider:p-1:list:unread=true&limit=20",
            {"provider:p-1"},
        ),
    ],
    changes=[
        Change(
            notification.send_notification(
                type="claim_submitted", claim_id="c-1", user_id="7", channel=("email", "push"), idempotency_key="k"
            ),
            "sendNotification",
            "POST /notifications",
            {"type": "claim_submitted", "claim_id": "c-1", "user_id": "7", "channel": ["email", "push"]},
            "k",
            False,
        ),
        Change(
            notification.mark_notification_read("n-1", THE_MEMBER),
            "markNotificationRead",
            "POST /notifications/n-1/read?member_id=m-1",
            None,
            None,
            False,
        ),
    ],
    foreign=[
        Foreign(
            notification.list_notifications(THE_MEMBER),
            a_page(UNADDRESSED),
            a_page(UNADDRESSED | {"member_id": "m-2"}),
        ),
        Foreign(
            notification.list_notifications(THE_MEMBER),
            a_page(UNADDRESSED),
            a_page(UNADDRESSED | {"provider_id": "p-1"}),
        ),
        Foreign(
            notification.list_notifications(THE_PROVIDER),
            a_page(UNADDRESSED | {"provider_id": "p-1"}),
            a_page(UNADDRESSED | {"provider_id": "p-2"}),
        ),
        Foreign(notification.mark_notification_read("n-1", THE_MEMBER), UNADDRESSED, UNADDRESSED | {"id": "n-2"}),
        Foreign(
            notification.mark_notification_read("n-1", THE_MEMBER), UNADDRESSED, UNADDRESSED | {"member_id": "m-2"}
        ),
    ],
    examples={
        "listNotifications": Example(200, "GET", "/notifications?member_id=m-1&unread=true"),
        "sendNotification": Example(202, "POST", "/notifications", NOTICE),
        "markNotificationRead": Example(200, "POST", "/notifications/ntf-1/read"),
    },
    effects=[
        Effect("notification.created", {"member_id": "m-1"}, "member", "dashboard/m-1", {"notifications"}),
        Effect(
            "notification.created",
            {"provider_id": "prov-1"},
            "provider",
            "providers/prov-1/dashboard",
            {"notifications"},
        ),
        Effect("notification.created", {"provider_id": "prov-1"}, "member", "dashboard/m-1", set()),
    ],
)
