"""Django REST framework, used as its documentation says: what is set on a view takes effect."""

import os
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from members.models import Account
from tests.doors import sample_urls
from tests.support.gateway import migrated_database

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.doors.sample_urls")]
DOORS = "/api/v1/doors"


@pytest.fixture(autouse=True)
def _nothing_called() -> None:
    sample_urls.calls.clear()
    sample_urls.Twice.cache.clear()


@pytest.mark.parametrize("kind", ["throttled", "choosing", "own-throttle"])
def test_throttle_class_refuses_with_its_wait(signed_in: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_urls.Twice, "get_cache_key", lambda throttle, request, view: str(request.user.pk))
    clients = [signed_in(member_id="m-1")] * 3 + [signed_in(member_id="m-1")]
    answers = [client.get(f"{DOORS}/{kind}/m-1") for client in clients]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert 1 <= int(answers[2]["Retry-After"]) <= 60
    assert len(sample_urls.calls) == 3


def test_throttle_class_counts_requests_that_are_let_in(portal: Client) -> None:
    answers = [portal.get(f"{DOORS}/routed/open") for _ in range(3)]
    problem = answers[2].json()

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert (problem["code"], problem["detail"]) == ("rate_limited", "Too many requests, please try again later")
    assert 1 <= int(answers[2]["Retry-After"]) <= 60


def test_throttle_class_of_a_function(portal: Client) -> None:
    assert [portal.get(f"{DOORS}/function").status_code for _ in range(3)] == [200, 200, 429]


def test_throttle_class_that_is_set_on_a_viewset_later(portal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_urls.PlainViewSet, "throttle_classes", [sample_urls.Twice])

    assert [portal.get(f"{DOORS}/answered").status_code for _ in range(3)] == [202, 202, 429]


def test_permission_class_refuses_in_its_words(signed_in: Any) -> None:
    answer = signed_in(member_id="m-1").get(f"{DOORS}/guarded/m-1")

    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        403,
        "forbidden",
        "Come on Tuesday.",
    )
    assert sample_urls.calls == []


def test_permission_class_lets_at_an_action_without_a_rule(portal: Client, signed_in: Any) -> None:
    assert portal.get(f"{DOORS}/open").json() == {"user": "None"}
    assert [signed_in(is_staff=is_staff).get(f"{DOORS}/staff").status_code for is_staff in (True, False)] == [200, 403]
    assert portal.get(f"{DOORS}/staff").status_code == 401


def test_permission_class_takes_no_rule_away(signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_urls.GuardedViewSet, "permission_classes", [])

    client = signed_in(member_id="m-1")
    assert [client.get(f"{DOORS}/guarded/m-{number}").status_code for number in (1, 2)] == [200, 403]
    assert [(member_id, scope) for member_id, scope, _ in sample_urls.calls] == [("m-1", "m-1")]


@pytest.mark.parametrize("path", ["forgotten", "bare"])
def test_deny_by_default_is_a_permission_class(signed_in: Any, path: str) -> None:
    answer = signed_in(is_admin=True, is_staff=True).get(f"{DOORS}/{path}")

    assert (answer.status_code, answer.json()["code"], sample_urls.calls) == (403, "forbidden", [])


def test_authentication_class_says_who_it_is(portal: Client) -> None:
    answers = [
        portal.get(f"{DOORS}/header/m-1", headers=headers)
        for headers in ({"X-Account": "siti"}, {"X-Account": "nobody"}, {})
    ]

    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert sample_urls.calls == [("m-1", "m-1", "7")]
    assert [answer["WWW-Authenticate"] for answer in answers[1:]] == ['Header realm="doors"'] * 2
    assert answers[1].json()["detail"] == "There is no such account."
    assert portal.get(f"{DOORS}/header/m-2", headers={"X-Account": "siti"}).status_code == 403


def test_authentication_class_of_a_view_of_drfs_own(portal: Client) -> None:
    account = Account.objects.create_user("siti@example.com", "some-password")
    credentials = b64encode(b"siti@example.com:some-password").decode()

    assert portal.get(f"{DOORS}/basic").headers["WWW-Authenticate"] == 'Basic realm="api"'
    answer = portal.get(f"{DOORS}/basic", headers={"Authorization": f"Basic {credentials}"})
    assert answer.json() == {"user": account.email}


def test_parser_class_reads_the_body(portal: Client) -> None:
    form = "application/x-www-form-urlencoded"

    def read(kind: str, body: str, content_type: str) -> Any:
        shown = portal.post(f"{DOORS}/{kind}-echo", body, content_type).json()
        assert shown["body"] == shown["data"]
        return shown["body"]

    assert read("form", "a=1&b=2", form) == {"a": "1", "b": "2"}
    assert read("form", '{"a": 1, "a": 2}', "application/json") == {"a": 2}
    assert read("plain", '{"a": 1}', "application/json") == {"a": 1}
    assert portal.post(f"{DOORS}/form-echo", "<a/>", "text/xml").status_code == 415
    assert portal.post(f"{DOORS}/plain-echo", "a=1", form).status_code == 415


@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        ("text/csv", "text/csv; charset=utf-8", "member_id,m-1\nnumbers,[1, 2]\n"),
        ("application/json", "application/json", '{"member_id":"m-1","numbers":[1,2]}'),
        ("*/*", "text/csv; charset=utf-8", "member_id,m-1\nnumbers,[1, 2]\n"),
    ],
)
def test_renderer_class_shows_the_view_model(signed_in: Any, accept: str, content_type: str, body: str) -> None:
    client = signed_in(member_id="m-1")
    answer = client.get(f"{DOORS}/lines/m-1", headers={"Accept": accept})

    assert (answer.status_code, answer["Content-Type"], answer.content.decode()) == (200, content_type, body)
    assert answer["ETag"] == client.get(f"{DOORS}/plain/m-1")["ETag"]
    assert ("text/csv", "retrieve") in sample_urls.calls or accept == "application/json"


def test_renderer_class_decides_what_is_acceptable(signed_in: Any) -> None:
    refused = signed_in(member_id="m-1").get(f"{DOORS}/lines/m-1", headers={"Accept": "text/html"})

    assert (refused.status_code, refused.json()["code"], sample_urls.calls) == (406, "not_acceptable", [])


def test_exception_handler_of_a_viewset(portal: Client) -> None:
    answer = portal.get(f"{DOORS}/handled")

    assert (answer.status_code, answer.json()) == (409, {"Teapot": "teapot"})


def test_exceptions_of_somebodys_own_have_their_status_and_words(portal: Client) -> None:
    answer = portal.get(f"{DOORS}/teapot")
    problem = answer.json()

    assert (answer.status_code, answer["Content-Type"]) == (418, "application/problem+json")
    assert (problem["status"], problem["code"], problem["detail"]) == (418, "bad_user_input", "It is a teapot.")


def test_answer_of_drfs_own_is_rendered(portal: Client) -> None:
    answer = portal.get(f"{DOORS}/answered")

    assert (answer.status_code, answer["Content-Type"], answer.json()) == (202, "application/json", {"name": "value"})


def test_router_and_extra_actions(signed_in: Any) -> None:
    client = signed_in(member_id="m-1")

    assert client.get(f"{DOORS}/routed").json() == {"pk": Account.objects.get().pk}
    assert Client().get(f"{DOORS}/routed").status_code == 401
    assert Client().get(f"{DOORS}/routed/open").json() == {"open": True}


SETTINGS = """
from django.conf import settings
settings.REST_FRAMEWORK.update(
    DEFAULT_THROTTLE_CLASSES=["tests.doors.policies.Twice"],
    DEFAULT_PARSER_CLASSES=["rest_framework.parsers.FormParser"],
    DEFAULT_RENDERER_CLASSES=["tests.doors.policies.Lines"],
    DEFAULT_PERMISSION_CLASSES=["rest_framework.permissions.AllowAny"],
    DEFAULT_AUTHENTICATION_CLASSES=["tests.doors.policies.OfHeader"],
    EXCEPTION_HANDLER="rest_framework.views.exception_handler",
)
settings.ROOT_URLCONF = "tests.doors.sample_urls"
settings.ALLOWED_HOSTS = ["testserver"]
import django; django.setup()
from django.test import Client
doors, of_siti = "/api/v1/doors", {"X-Account": "siti"}
answers = [
    Client().get(f"{doors}/plain/m-1", headers=of_siti),
    Client().post(f"{doors}/plain-echo", "a=1", "application/x-www-form-urlencoded"),
    Client().get(f"{doors}/plain/m-2", headers=of_siti),
    *(Client().get(f"{doors}/answered") for _ in range(2)),
]
print([(answer.status_code, answer.content.decode()[:24]) for answer in answers])
"""


@pytest.mark.long
def test_what_the_settings_say_holds_for_every_viewset(tmp_path: Path) -> None:
    database = shutil.copy(migrated_database(), tmp_path / "db.sqlite3")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "PYTHONPATH": ".",
        "DATABASE_URL": f"sqlite:///{database}",
    }
    told = subprocess.run(
        [sys.executable, "-c", SETTINGS], env=environment, capture_output=True, text=True, check=True, timeout=60
    )

    assert told.stdout.splitlines()[-1] == str(
        [
            (200, "member_id,m-1\nnumbers,[1"),
            (200, "body,<QueryDict: {'a': ["),
            (403, '{"type":"/docs/errors#fo'),
            (202, "name,value\n"),
            (429, "detail,Request was throt"),
        ]
    )
