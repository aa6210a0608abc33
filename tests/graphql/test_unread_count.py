"""The number of unread notifications beside their list, over GraphQL."""

from typing import Any

from msgspec.structs import replace

from gateway_clients.errors import UpstreamTimeoutError
from gateway_clients.pipeline.call import Call
from gateway_clients.services.notification import NotificationService

PAGE = "notificationPage { unreadCount notifications { id } meta { complete sections { name error } } }"


def test_one_that_cannot_be_had_is_null_beside_the_list_and_says_why(ask, gateway, monkeypatch) -> None:
    listed = NotificationService.list_notifications

    def apart(self: NotificationService, *given: Any, **asked: Any) -> Call[Any]:
        call = listed(self, *given, **asked)
        return replace(call, operation="countUnread") if asked["unread"] else call

    monkeypatch.setattr(NotificationService, "list_notifications", apart)
    gateway.answers["countUnread"] = UpstreamTimeoutError("notification")

    answer = ask("member", f'{{ memberProfile(memberId: "m-1") {{ {PAGE} }} }}')

    page = answer["data"]["memberProfile"]["notificationPage"]
    assert (page["unreadCount"], page["notifications"]) == (None, [{"id": "n-1"}])
    assert page["meta"] == {
        "complete": False,
        "sections": [
            {"name": "notifications", "error": None},
            {"name": "unreadCount", "error": "upstream_timeout"},
        ],
    }
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["memberProfile", "notificationPage", "unreadCount"], "UPSTREAM_TIMEOUT")
    ]
