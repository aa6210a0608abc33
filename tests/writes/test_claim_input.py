"""What a claim may look like: a field error for each rule that is broken, and then nobody is asked."""

import datetime
import json

import pytest

from claims.models import Submission
from claims.serializers import business_today
from tests.writes.portal import ITEM, a_claim, post, submit
from tests.writes.test_submitting import calls

pytestmark = pytest.mark.django_db
TODAY = business_today()


def years_ago(years: int, *, days: int = 0) -> str:
    """A day so long ago."""
    day = (TODAY - datetime.timedelta(days=days)) if (TODAY.month, TODAY.day) != (2, 29) else TODAY.replace(day=28)
    return day.replace(year=day.year - years).isoformat()


def item(**changes):
    return {"items": [{**ITEM, **changes}]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"member_id": "m/1"}, "member_id"),
        ({"member_id": ""}, "member_id"),
        ({"member_id": "m-1 "}, "member_id"),
        ({"member_id": "m" * 65}, "member_id"),
        ({"member_id": 1}, "member_id"),
        ({"member_id": None}, "member_id"),
        ({"provider_id": ["prov-1"]}, "provider_id"),
        ({"provider_id": "prov-1\n"}, "provider_id"),
        ({"service_date": (TODAY + datetime.timedelta(days=1)).isoformat()}, "service_date"),
        ({"service_date": years_ago(5, days=1)}, "service_date"),
        ({"service_date": "0001-01-01"}, "service_date"),
        ({"service_date": "2026-02-30"}, "service_date"),
        ({"service_date": "20260301"}, "service_date"),
        ({"service_date": "2026-3-1"}, "service_date"),
        ({"service_date": "2026-03-01T00:00:00Z"}, "service_date"),
        ({"service_date": 20260301}, "service_date"),
        ({"items": []}, "items"),
        ({"items": [ITEM] * 51}, "items"),
        ({"items": {"0": ITEM}}, "items"),
        ({"items": [1]}, "items.0.non_field_errors"),
        ({"items": [{**ITEM, "amount": 10**12, "quantity": 999}] * 50}, "items"),
        (item(amount=0), "items.0.amount"),
        (item(amount=-1), "items.0.amount"),
        (item(amount=10**12 + 1), "items.0.amount"),
        (item(amount=1.5), "items.0.amount"),
        (item(amount="150000"), "items.0.amount"),
        (item(amount=True), "items.0.amount"),
        (item(amount=None), "items.0.amount"),
        (item(amount=10**39), "items.0.amount"),
        (item(quantity=0), "items.0.quantity"),
        (item(quantity=1000), "items.0.quantity"),
        (item(quantity=None), "items.0.quantity"),
        (item(benefit_code=""), "items.0.benefit_code"),
        (item(benefit_code="CONS GP"), "items.0.benefit_code"),
        (item(benefit_code="x" * 65), "items.0.benefit_code"),
        (item(benefit_code=7), "items.0.benefit_code"),
        (item(description="x" * 501), "items.0.description"),
        (item(price=1), "items.0.price"),
        ({"notes": "x" * 2001}, "notes"),
        ({"notes": 5}, "notes"),
        ({"notes": "a\0b"}, "notes"),
        ({"diagnosis_code": "J06 9"}, "diagnosis_code"),
        ({"diagnosis_code": "x" * 17}, "diagnosis_code"),
        ({"is_urgent": True}, "is_urgent"),
        ({"submitted_by": "1"}, "submitted_by"),
    ],
)
def test_a_broken_rule_names_its_field_and_nobody_is_asked(portal, sandbox, changes, field) -> None:
    answer = submit(portal("admin"), a_claim(**changes), key="k-1")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert list(answer.json()["errors"]) == [field]
    assert calls(sandbox) == {}
    assert not Submission.objects.exists()


def test_an_unknown_field_is_named_beside_the_other_rules_that_are_broken(portal, sandbox) -> None:
    claim = a_claim(is_urgent=True, diagnosis_code="J06 9", **item(price=1, amount=0))

    answer = submit(portal("admin"), claim, key="k-1")

    assert sorted(answer.json()["errors"]) == ["diagnosis_code", "is_urgent", "items.0.amount", "items.0.price"]
    assert answer.json()["errors"]["is_urgent"] == ["Unknown field."]
    assert calls(sandbox) == {}


@pytest.mark.parametrize("name", ["member_id", "provider_id", "service_date", "items"])
def test_a_required_field_that_is_missing(portal, sandbox, name) -> None:
    claim = a_claim()
    del claim[name]

    answer = submit(portal(), claim)

    assert answer.json()["errors"] == {name: ["This field is required."]}
    assert calls(sandbox) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"service_date": TODAY.isoformat()} if datetime.datetime.now(datetime.UTC).date() >= TODAY else {},
        {"service_date": years_ago(5)},
        {"notes": "x" * 2000},
        {"notes": None, "diagnosis_code": None},
        {"notes": "", "diagnosis_code": "U07.1"},
        {"items": [ITEM] * 50},
        item(amount=10**12, quantity=999, description="ö" * 500),
        item(amount=5.0, description=None),
    ],
)
def test_what_is_just_allowed_is_submitted(portal, changes) -> None:
    answer = submit(portal("admin"), a_claim(**changes))

    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_future_begins_by_the_calendar_of_the_business(portal, settings, zone) -> None:
    settings.BUSINESS_TIME_ZONE = zone
    tomorrow = business_today() + datetime.timedelta(days=1)

    answer = submit(portal(), a_claim(service_date=tomorrow.isoformat()))

    assert answer.json()["errors"] == {"service_date": ["Must not be in the future."]}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{",
        json.dumps(a_claim()).replace('"member_id"', '"member_id": "m-2", "member_id"', 1),
        json.dumps(a_claim()).replace('"amount"', '"amount": 1, "amount"', 1),
        json.dumps(a_claim()).replace("150000", "NaN"),
        json.dumps(a_claim()).replace("150000", "1" * 5000),
        "[" * 100_000,
    ],
)
def test_what_is_no_claim_or_could_be_read_in_two_ways(portal, sandbox, body) -> None:
    answer = submit(portal(), body)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert calls(sandbox) == {}


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ä"])
def test_a_bad_key_is_refused(portal, sandbox, key) -> None:
    answer = post(portal(), "claims", a_claim(), key)

    assert list(answer.json()["errors"]) == ["Idempotency-Key"]
    assert calls(sandbox) == {}
