"""A second factor that is there already, or is not, over REST and from the operator's command."""

import pyotp
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

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
