"""Contact changes and read marks: checked, carried out once, shown at once, honest when unsure."""

import datetime
import json
from typing import Any

import pytest
from django.utils import timezone

from gateway_clients.invalidation import now_and_later
from gateway_clients.models import OutboxMessage
from gateway_clients.pipeline.upstreams import upstream
from tests.portal.address import json_of
from tests.support.answering import CUT_OFF, LATE, REFUSED, Asked
from tests.upstream_answers import MEMBER, NOTIFICATION

CONTACT = "/api/v1/members/m-1"
MARK = "/api/v1/members/m-1/notifications/n-1/read"
PROVIDERS_MARK = "/api/v1/providers/p-1/notifications/n-1/read"


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The tags of each drop."""
    drops: list[tuple[str, ...]] = []
    monkeypatch.setattr(now_and_later, "invalidate", drops.append)
    return drops


def test_a_contact_is_changed_and_all_of_the_member_dropped(as_, upstreams, dropped) -> None:
    upstreams.answers["updateMemberContact"] = {**MEMBER, "phone": "+62 (21) 555-01"}

    answer = as_("member").patch(CONTACT, **json_of({"phone": "+62 (21) 555-01"}))

    assert (answer.status_code, answer.json()["phone"], answer.json()["id"]) == (200, "+62 (21) 555-01", "m-1")
    (asked,) = upstreams.asked
    assert (asked.method, asked.target) == ("PATCH", "/members/m-1")
    assert json.loads(asked.body) == {"phone": "+62 (21) 555-01"}
    assert dropped == [("member:m-1",)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "non_field_errors"),
        ({"name": "Siti"}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": " a@example.org"}, "email"),
        ({"email": 5}, "email"),
        ({"email": None}, "email"),
        ({"phone": "1234"}, "phone"),
        ({"phone": "1" * 21}, "phone"),
        ({"phone": "+62x11"}, "phone"),
        ({"phone": "12345\n"}, "phone"),
        ({"phone": "١٢٣٤٥"}, "phone"),
        ({"phone": 62811}, "phone"),
        ({"address": ""}, "address"),
        ({"address": " "}, "address"),
        ({"address": "x" * 501}, "address"),
        ({"address": "a\x00b"}, "address"),
    ],
)
def test_a_bad_contact_names_its_field_and_nobody_is_called(body, field: str, as_, upstreams) -> None:
    answer = as_("member").patch(CONTACT, **json_of(body))

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert list(answer.json()["errors"]) == [field]
    assert upstreams.asked == []


@pytest.mark.parametrize("address", [MARK, PROVIDERS_MARK])
def test_a_notification_is_marked_read(address: str, as_, upstreams, dropped) -> None:
    upstreams.answers["markNotificationRead"] = {**NOTIFICATION, "member_id": None, "is_read": True}

    answer = as_("admin").post(address)

    owner = "member:m-1" if "members" in address else "provider:p-1"
    assert (answer.status_code, answer.json()["is_read"]) == (200, True)
    assert upstreams.asked[0].target == f"/notifications/n-1/read?{owner.replace(':', '_id=')}"
    assert dropped == [(f"{owner}:dashboard", f"{owner}:notifications")]


ALL_READ = "/api/v1/members/m-1/notifications/read"
READ = {**NOTIFICATION, "is_read": True}


def test_all_unread_notifications_are_marked_side_by_side_and_dropped_once(as_, upstreams, dropped) -> None:
    upstreams.answers["markNotificationRead"] = {**NOTIFICATION, "is_read": True}

    answer = as_("member").post(ALL_READ)

    assert (answer.status_code, answer.json()) == (200, {"read": 1})
    assert upstreams.targets == [
        "/notifications?member_id=m-1&unread=true&limit=100",
        "/notifications/n-1/read?member_id=m-1",
    ]
    assert dropped == [("member:m-1:dashboard", "member:m-1:notifications")]


def test_what_is_unread_is_asked_for_anew_each_time_also_where_nothing_was_dropped(as_, upstreams, dropped) -> None:
    member = as_("member")

    for _ in range(2):
        member.post(ALL_READ)

    assert upstreams.operations == ["listNotifications", "markNotificationRead"] * 2


def test_where_nothing_is_unread_nothing_is_marked_or_dropped(as_, upstreams, dropped) -> None:
    upstreams.answers["listNotifications"] = {"items": []}

    assert as_("member").post(ALL_READ).json() == {"read": 0}
    assert (len(upstreams.asked), dropped) == (1, [])


@pytest.mark.parametrize(
    ("sent", "status", "told", "drops"),
    [(404, 200, {"read": 0}, 1), (LATE, 504, None, 1), (REFUSED, 503, None, 0)],
)
def test_one_that_cannot_be_marked_fails_them_all_unless_it_is_gone(
    sent, status: int, told, drops: int, as_, upstreams, dropped
) -> None:
    upstreams.answers["markNotificationRead"] = sent

    answer = as_("member").post(ALL_READ)

    assert answer.status_code == status
    assert told is None or answer.json() == told
    assert len(dropped) == drops


@pytest.mark.parametrize(
    ("first", "second", "status", "drops", "is_dropped_later"),
    [
        (READ, READ, 200, 1, False),
        (READ, 422, 422, 1, False),
        (READ, LATE, 504, 1, True),
        (LATE, READ, 504, 1, True),
        (LATE, 422, 504, 1, True),
        (422, LATE, 504, 1, True),
        (REFUSED, LATE, 504, 1, True),
        (404, LATE, 504, 1, True),
        (REFUSED, 422, 422, 0, False),
        (404, REFUSED, 503, 0, False),
    ],
)
def test_of_several_the_one_that_may_have_been_marked_is_told_and_dropped_again_later(
    first, second, status: int, drops: int, is_dropped_later: bool, as_, upstreams, dropped
) -> None:
    answers = {"n-1": first, "n-2": second}

    def marked(asked: Asked) -> Any:
        name = asked.target.split("/")[2]
        return {**READ, "id": name} if answers[name] is READ else answers[name]

    upstreams.answers["listNotifications"] = {"items": [{**NOTIFICATION, "id": name} for name in answers]}
    upstreams.answers["markNotificationRead"] = marked

    answer = as_("member").post(ALL_READ)

    assert (answer.status_code, len(dropped)) == (status, drops)
    later = OutboxMessage.objects.filter(due_at__gt=timezone.now() + datetime.timedelta(seconds=10))
    assert later.exists() is is_dropped_later


def test_somebody_elses_notification_in_the_answer_tells_nothing_of_what_was_done(as_, upstreams) -> None:
    upstreams.answers["markNotificationRead"] = {**NOTIFICATION, "member_id": "m-2"}

    assert as_("member").post(MARK).status_code == 504


@pytest.mark.parametrize("sent", [LATE, CUT_OFF, 503, b"<html>"])
def test_what_was_sent_and_not_acknowledged_is_504_and_dropped_all_the_same(sent, as_, upstreams, dropped) -> None:
    upstreams.answers["updateMemberContact"] = sent

    answer = as_("member").patch(CONTACT, **json_of({"phone": "12345"}))

    assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")
    assert dropped == [("member:m-1",)]
    later = OutboxMessage.objects.get()
    assert (later.kind, later.payload) == ("cache.drop", {"tags": ["member:m-1"]})
    assert later.due_at > timezone.now() + datetime.timedelta(seconds=10)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (REFUSED, 503, "upstream_unavailable"),
        ((422, {"detail": "its own words"}), 422, "upstream_refused"),
        (400, 422, "upstream_refused"),
        (401, 502, "upstream_bad_answer"),
        (418, 502, "upstream_bad_answer"),
    ],
)
def test_what_was_not_done_says_why_and_drops_nothing(sent, status: int, code: str, as_, upstreams, dropped) -> None:
    upstreams.answers["updateMemberContact"] = sent

    answer = as_("member").patch(CONTACT, **json_of({"phone": "12345"}))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert b"its own words" not in answer.content
    assert dropped == []


@pytest.mark.parametrize(
    ("service", "method", "path", "body"),
    [("member", "patch", CONTACT, {"phone": "12345"}), ("notification", "post", MARK, {})],
)
def test_what_an_open_breaker_held_back_says_so_and_drops_nothing(
    service: str, method: str, path: str, body, as_, upstreams, dropped
) -> None:
    upstream(service).breaker.open()

    answer = getattr(as_("member"), method)(path, **json_of(body))

    assert (answer.status_code, answer.json()["code"]) == (503, "circuit_open")
    assert upstreams.asked == []
    assert dropped == []
