"""The number of unread notifications beside their list, over GraphQL."""

from tests.support.answering import LATE, Answer, Asked
from tests.upstream_answers import NOTIFICATION

PAGE = "notificationPage { unreadCount notifications { id } meta { complete sections { name error } } }"


def late_with_unread_ones(asked: Asked) -> Answer:
    return LATE if "unread=true" in asked.target else {"items": [NOTIFICATION]}


def test_one_that_cannot_be_had_is_null_beside_the_list_and_says_why(ask, upstreams) -> None:
    upstreams.answers["listNotifications"] = late_with_unread_ones

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
