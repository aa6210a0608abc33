"""Which events are taken: signed, of these minutes, well-formed, once."""

import base64
import json
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection
from django.test import Client

from gateway_clients.caching.store import default_cache
from gateway_clients.edge.events import views as events
from gateway_clients.edge.events.views import forget_old_events
from gateway_clients.invalidation import now_and_later
from gateway_clients.invalidation.rules import EVENTS
from gateway_clients.models import OutboxMessage, ReceivedEvent
from tests.events.signing import ADDRESS, OTHER_SECRET, SECRET, body_of, headers_of, send, tell
from tests.upstreams import UPSTREAMS

pytestmark = pytest.mark.django_db
BODY = body_of("member.updated", member_id="m-1")


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The tags of each drop."""
    drops: list[tuple[str, ...]] = []
    monkeypatch.setattr(now_and_later, "invalidate", drops.append)
    return drops


def problem_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_signed_event_is_taken_and_remembered(dropped) -> None:
    answer = send(BODY, headers_of(BODY, webhook_id="evt_1"))

    assert (answer.status_code, answer.content) == (202, b"")
    assert [each.webhook_id for each in ReceivedEvent.objects.all()] == ["evt_1"]
    assert dropped == [("member:m-1",)]


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), OTHER_SECRET])
def test_each_of_several_secrets_is_taken(secret: str, settings, dropped) -> None:
    settings.EVENTS_WEBHOOK_SECRET = (SECRET, OTHER_SECRET)

    assert send(BODY, headers_of(BODY, secret=secret)).status_code == 202


def test_one_good_signature_among_several_is_enough(dropped) -> None:
    headers = headers_of(BODY)
    headers["webhook-signature"] = f"v1,{base64.b64encode(b'x' * 32).decode()} {headers['webhook-signature']} v1a,AAAA"

    assert send(BODY, headers).status_code == 202


@pytest.mark.parametrize(
    "beside",
    [
        "v2,abc-_def",
        "v1,not_base64!",
        "v1,A",
        "v1,a,b",
        "v1,",
        "v1",
        ",",
        "nonsense",
        "v1a,ed25519:AAAA",
        "\u00e9",
        "v1,\u00e9",
        " ",
    ],
)
@pytest.mark.parametrize("order", ["{good} {beside}", "{beside} {good}"])
def test_what_stands_beside_a_good_signature_does_not_spoil_it(beside: str, order: str, dropped) -> None:
    headers = headers_of(BODY)
    headers["webhook-signature"] = order.format(good=headers["webhook-signature"], beside=beside)

    assert send(BODY, headers).status_code == 202
    assert dropped == [("member:m-1",)]


@pytest.mark.parametrize("signature", ["v2,abc-_def", "v2,abc-_def nonsense", "v1,AAAA v1,A"])
def test_a_signature_that_is_whole_but_not_ours_is_refused(signature: str, dropped) -> None:
    answer = send(BODY, {**headers_of(BODY), "webhook-signature": signature})

    assert problem_of(answer) == (401, "unauthenticated")
    assert answer.json()["title"] == "The signature is wrong"
    assert dropped == []


def test_without_a_secret_there_is_no_such_address(settings, dropped) -> None:
    settings.EVENTS_WEBHOOK_SECRET = ()

    assert problem_of(send(BODY)) == (404, "not_found")


def test_another_secrets_signature_is_refused(dropped) -> None:
    assert problem_of(send(BODY, headers_of(BODY, secret=OTHER_SECRET))) == (401, "unauthenticated")


def test_a_changed_body_is_refused(dropped) -> None:
    assert problem_of(send(BODY.replace(b"m-1", b"m-2"), headers_of(BODY))) == (401, "unauthenticated")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str, dropped) -> None:
    headers = headers_of(BODY)
    del headers[name]

    answer = send(BODY, headers)

    assert problem_of(answer) == (400, "bad_user_input")
    assert list(answer.json()["errors"]) == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "has spaces in it"),
        ("webhook-id", "x" * 256),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "9" * 400),
        ("webhook-timestamp", "-1"),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1,a,b"),
        ("webhook-signature", "v1,é"),
        ("webhook-signature", "v1,A"),
        ("webhook-signature", "nonsense"),
    ],
)
def test_a_malformed_header_is_bad_input(name: str, value: str, dropped) -> None:
    assert problem_of(send(BODY, {**headers_of(BODY), name: value})) == (400, "bad_user_input")
    assert not ReceivedEvent.objects.exists()


@pytest.mark.parametrize("seconds_ago", [301, 3600, -302, -3600])
def test_an_old_or_a_future_event_is_bad_input(seconds_ago: float, dropped) -> None:
    assert problem_of(send(BODY, headers_of(BODY, seconds_ago=seconds_ago))) == (400, "bad_user_input")


@pytest.mark.parametrize("seconds_ago", [290, -290])
def test_clocks_may_differ_by_minutes(seconds_ago: float, dropped) -> None:
    assert send(BODY, headers_of(BODY, seconds_ago=seconds_ago)).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"type": "member.updated"}',
        b'{"type": 1, "timestamp": "now", "data": {"member_id": "m-1"}}',
        b'{"type": "member.updated", "timestamp": "now", "data": []}',
        b'{"type": "member.updated", "timestamp": "now", "data": {}}',
        b'{"type": "member.updated", "timestamp": "now", "data": {"member_id": 1}}',
        b'{"type": "member.updated", "timestamp": "now", "data": {"member_id": "a:b"}}',
        b'{"type": "member.updated", "type": "x", "timestamp": "now", "data": {"member_id": "m-1"}}',
        b'{"type": "claim.status.changed", "timestamp": "now", "data": {"claim_id": "c-1", "status": "paid"}}',
        b'{"type": "claim.status.changed", "timestamp": "now", "data": {"claim_id": "c-1", "member_id": "m-1", '
        b'"provider_id": 7}}',
        b'{"type": "notification.created", "timestamp": "now", "data": {}}',
        b"[" * 100_000,
    ],
)
def test_a_malformed_body_is_bad_input(body: bytes, dropped) -> None:
    assert problem_of(send(body, headers_of(body))) == (400, "bad_user_input")
    assert dropped == []
    assert not ReceivedEvent.objects.exists()


def test_what_is_no_utf8_is_bad_input(dropped) -> None:
    assert problem_of(send(b"\xff\xfe", headers_of(BODY))) == (400, "bad_user_input")


def test_over_one_megabyte_is_too_large_before_anything_else_is_looked_at(dropped) -> None:
    assert problem_of(send(b"x" * 1_000_001, {})) == (413, "too_large")


def test_a_megabyte_is_not_too_large(dropped) -> None:
    body = body_of("member.updated", member_id="m-1", padding="")
    body = body_of("member.updated", member_id="m-1", padding="x" * (1_000_000 - len(body)))

    assert len(body) == 1_000_000
    assert send(body).status_code == 202


def test_a_repeated_id_does_nothing(dropped) -> None:
    other = body_of("member.updated", member_id="m-2")

    assert send(BODY, headers_of(BODY, webhook_id="evt_1")).status_code == 202
    assert send(other, headers_of(other, webhook_id="evt_1", seconds_ago=10)).status_code == 202
    assert dropped == [("member:m-1",)]


def test_events_may_come_in_any_order(dropped) -> None:
    for status in ("paid", "submitted", "approved"):
        assert tell("claim.status.changed", claim_id="c-1", member_id="m-1", status=status).status_code == 202
    assert len(set(dropped)) == 1
    assert len(dropped) == 3


def test_an_unknown_type_is_taken_and_counted(dropped, portal) -> None:
    def counted() -> float:
        lines = events.metrics().exposition().decode().splitlines()
        wanted = 'events_received_total{is_repeat="false",type="unknown"} '
        return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))

    before = counted()

    assert tell("weather.changed", place="Bandung").status_code == 202
    assert counted() == before + 1
    assert dropped == [()]


NOW = datetime(2026, 3, 1, 8, 31, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("2026-03-01T08:30:00Z", 60.0),
        ("2026-03-01T15:30:59.500000+07:00", 0.5),
        (NOW.timestamp() - 5, 5.0),
        ("2026-03-01T08:32:00Z", 0.0),
        ("2026-03-01T08:30:00", None),
        ("yesterday", None),
    ],
)
def test_how_late_an_event_is_applied_is_told_where_it_says_when_it_happened(
    monkeypatch, dropped, timestamp: str | float, seconds: float | None
) -> None:
    told: list[float] = []
    monkeypatch.setattr(events.timezone, "now", lambda: NOW)
    monkeypatch.setattr(events.metrics(), "event_applied", lambda *, lag_seconds: told.append(lag_seconds))
    event = events.Event(type="member.updated", timestamp=timestamp, data={"member_id": "m-1"})

    events.take("evt_1", event)
    events.take("evt_1", event)

    assert told == ([] if seconds is None else [seconds])


@pytest.mark.parametrize("event_type", ["member.updated", "weather.changed"])
def test_without_the_database_nothing_is_taken_or_dropped(event_type: str, dropped, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("the database is down")

    monkeypatch.setattr(ReceivedEvent.objects, "create", refuse)

    answer = tell(event_type, member_id="m-1")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert dropped == []


def test_a_crash_while_dropping_leaves_the_event_to_be_repeated(monkeypatch) -> None:
    def crash(_tags: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(now_and_later, "invalidate", crash)

    assert tell("member.updated", member_id="m-1").status_code == 500
    assert not ReceivedEvent.objects.exists()


def test_while_redis_is_down_the_worker_is_told_too(settings, monkeypatch) -> None:
    monkeypatch.setattr(default_cache().circuit, "_is_down", True)

    assert tell("member.updated", member_id="m-1").status_code == 202
    assert [each.payload for each in OutboxMessage.objects.all()] == [{"tags": ["member:m-1"]}]


def test_only_post_is_taken(dropped) -> None:
    answer = Client(raise_request_exception=False).get(ADDRESS)

    assert problem_of(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


def test_old_ids_are_forgotten(dropped) -> None:
    send(BODY, headers_of(BODY, webhook_id="evt_new"))
    send(BODY, headers_of(BODY, webhook_id="evt_old"))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE gateway_clients_receivedevent SET received_at = '2020-01-01' WHERE webhook_id = 'evt_old'"
        )

    forget_old_events()

    assert [each.webhook_id for each in ReceivedEvent.objects.all()] == ["evt_new"]


def test_every_type_of_event_has_its_effects_told() -> None:
    assert set(EVENTS) == {effect.event_type for each in UPSTREAMS.values() for effect in each.effects}
    assert json.loads(BODY)["type"] in EVENTS
