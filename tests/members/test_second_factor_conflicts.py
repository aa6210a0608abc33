"""A second factor that is there already, or is not, over REST and from the operator's command."""

import time
from contextlib import nullcontext

import pyotp
import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet
from django.test import Client
from pytest_django import Settings

from gateway_clients.edge.errors import WrongCredentialsError
from members import second_factor
from members.models import Account, SecondFactor
from tests.members.calls import PASSWORD, sign_in
from tests.support.portals import SignedIn

pytestmark = pytest.mark.django_db

OTP = "/api/v1/auth/otp"
CONFIRM = f"{OTP}/confirm"


def test_what_was_not_begun_is_neither_confirmed_nor_removed_and_counts_for_nothing(
    signed_in: SignedIn,
) -> None:
    client = signed_in()
    removal = {"password": "some-password", "otp": "123456"}

    for _ in range(4):
        answers = [
            client.post(CONFIRM, {"otp": "123456"}, "application/json"),
            client.delete(OTP, removal, "application/json"),
        ]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "conflict")] * 2
        assert [answer.json()["detail"] for answer in answers] == [
            "There is no second factor to confirm.",
            "The account has no second factor.",
        ]


def test_an_operator_replaces_one_only_when_told_to(
    portal: Client, siti: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("enrol_second_factor", siti.email)
    with pytest.raises(CommandError, match=r"The account has a second factor\. Remove it first\. --replace does\."):
        call_command("enrol_second_factor", siti.email)
    call_command("enrol_second_factor", siti.email, "--replace")
    old, _, new, _ = capsys.readouterr().out.split()

    def status_with(secret: str) -> int:
        body = {"email": siti.email, "password": PASSWORD, "otp": pyotp.TOTP(secret).now()}
        return int(portal.post("/api/v1/auth/login", body, "application/json").status_code)

    assert (old != new, SecondFactor.objects.count(), sign_in(portal).status_code) == (True, 1, 401)
    assert (status_with(old), status_with(new)) == (401, 200)


def test_an_operator_is_told_of_an_account_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="There is no such account"):
        call_command("enrol_second_factor", "nobody@example.com")


@pytest.fixture
def codes(portal: Client, siti: Account, settings: Settings) -> list[str]:
    """Two recovery codes and two codes of an authenticator, the earlier one first, none of them used."""
    settings.CACHE_ENCRYPTION_KEYS = ["c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="]
    enrolment = second_factor.enrol(siti)
    totp, now = pyotp.TOTP(enrolment.secret), time.time()
    recovery = second_factor.confirm(siti, totp.at(now - 30))
    return [*recovery[:2], totp.at(now), totp.at(now + 30)]


@pytest.mark.parametrize(
    ("mine", "other", "is_taken"), [(0, 1, True), (3, 2, True), (0, 0, False), (3, 3, False), (2, 3, False)]
)
def test_two_codes_at_once_are_each_taken_and_one_is_taken_once(
    codes: list[str], siti: Account, monkeypatch: pytest.MonkeyPatch, mine: int, other: int, *, is_taken: bool
) -> None:
    writing = QuerySet.update

    def update(self: QuerySet[SecondFactor], **values: object) -> int:
        """Lets the other one write first."""
        monkeypatch.setattr(QuerySet, "update", writing)
        second_factor.require(siti, codes[other])
        return writing(self, **values)

    monkeypatch.setattr(QuerySet, "update", update)
    with nullcontext() if is_taken else pytest.raises(WrongCredentialsError):
        second_factor.require(siti, codes[mine])

    for used in (codes[mine], codes[other]):
        with pytest.raises(WrongCredentialsError):
            second_factor.require(siti, used)
