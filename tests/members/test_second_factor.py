"""A second factor: asked for behind the right password, each code good once."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from members import second_factor
from members.errors import SecondFactorConflictError
from members.models import Account, SecondFactor
from members.second_factor import STEP_SECONDS

pytestmark = pytest.mark.django_db

PASSWORD = "a-good-password"
EMAIL = "siti@example.com"
OTP = "/api/v1/auth/otp"
#: The moment at which everything here happens.
NOW = datetime(2026, 3, 1, 8, 30, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("members.second_factor.timezone", SimpleNamespace(now=lambda: NOW))


@pytest.fixture
def siti() -> Account:
    """A member."""
    return Account.objects.create_user(EMAIL, PASSWORD, member_id="m-1")


@pytest.fixture
def secret(siti: Account) -> str:
    """The secret of a second factor that holds."""
    enrolment = second_factor.enrol(siti)
    SecondFactor.objects.update(confirmed_at=timezone.now())
    return enrolment.secret


def code_of(secret: str, *, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(int(NOW.timestamp()) // STEP_SECONDS + steps)


def sign_in(client: Client, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/api/v1/auth/login", {"email": EMAIL, "password": password, **more}, "application/json")


def bearer(client: Client, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign_in(client, **more).json()['access_token']}"}


def test_it_is_set_up_with_the_password_and_holds_once_a_code_confirmed_it(portal: Client, siti: Account) -> None:
    headers = bearer(portal)
    wrong = portal.post(OTP, {"password": "wrong"}, "application/json", headers=headers)
    told = portal.post(OTP, {"password": PASSWORD}, "application/json", headers=headers).json()
    unconfirmed = sign_in(portal).status_code
    refused = portal.post(f"{OTP}/confirm", {"otp": "000000"}, "application/json", headers=headers)
    body = {"otp": code_of(told["secret"])}
    confirmed = portal.post(f"{OTP}/confirm", body, "application/json", headers=headers)

    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["password"])
    assert told["otpauth_url"] == (
        f"otpauth://totp/Web%20BFF:siti%40example.com?secret={told['secret']}&issuer=Web%20BFF"
    )
    assert (unconfirmed, refused.json()["code"], confirmed.status_code) == (200, "wrong_credentials", 200)
    assert len(set(confirmed.json()["recovery_codes"])) == 10
    assert sign_in(portal).json()["code"] == "second_factor_required"


def test_it_is_kept_sealed(siti: Account, secret: str, settings: Any) -> None:
    settings.CACHE_ENCRYPTION_KEYS = ["c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="]
    factor = SecondFactor.objects.get()
    factor.keep_secret(secret)

    assert secret.encode() not in bytes(factor.secret)
    assert factor.open_secret() == secret


def test_the_right_password_alone_is_told_that_a_code_is_needed_and_a_wrong_one_nothing(
    portal: Client, siti: Account, secret: str
) -> None:
    asked, wrong = sign_in(portal), sign_in(portal, "wrong")

    assert (asked.status_code, asked.json()["code"]) == (401, "second_factor_required")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_now_or_of_the_step_beside_it_signs_in_once(
    portal: Client, siti: Account, secret: str, steps: int
) -> None:
    code = code_of(secret, steps=steps)

    assert [sign_in(portal, otp=code).status_code for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("otp", ["000000", "", "12345", "١٢٣٤٥٦", "x" * 32])
def test_anything_else_does_not(portal: Client, siti: Account, secret: str, otp: str) -> None:
    assert sign_in(portal, otp=otp).status_code in {400, 401}


@pytest.mark.parametrize("steps", [-3, 3])
def test_an_old_code_and_one_to_come_do_not(portal: Client, siti: Account, secret: str, steps: int) -> None:
    assert sign_in(portal, otp=code_of(secret, steps=steps)).json()["code"] == "wrong_credentials"


def test_wrong_codes_are_limited_as_wrong_passwords_are(
    portal: Client, siti: Account, secret: str, settings: Any
) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 2

    assert [sign_in(portal, otp="000000").status_code for _ in range(3)] == [401, 401, 429]


def test_a_recovery_code_stands_in_once(portal: Client, siti: Account) -> None:
    told = second_factor.enrol(siti)
    codes = second_factor.confirm(siti, code_of(told.secret))

    assert [sign_in(portal, otp=code).status_code for code in (codes[0], codes[0], codes[1].upper())] == [200, 401, 200]
    assert len(SecondFactor.objects.get().recovery) == 8


def test_graphql_takes_the_code_too(portal: Client, siti: Account, secret: str) -> None:
    query = 'mutation($otp: String) { login(email: "siti@example.com", password: "a-good-password", otp: $otp)'
    body = {"query": query + " { expiresIn } }", "variables": {}}
    without = portal.post("/graphql", body, "application/json").json()
    within = portal.post("/graphql", {**body, "variables": {"otp": code_of(secret)}}, "application/json").json()

    assert without["errors"][0]["extensions"]["code"] == "SECOND_FACTOR_REQUIRED"
    assert within["data"]["login"]["expiresIn"] == 3600


def test_staffs_page_asks_for_the_code(portal: Client, siti: Account, secret: str) -> None:
    Account.objects.update(is_staff=True)
    form = {"username": EMAIL, "password": PASSWORD}
    without = portal.post("/admin/login/", form)
    within = portal.post("/admin/login/", {**form, "otp": code_of(secret)})

    assert "A code of the second factor is needed" in without.content.decode()
    assert 'name="otp"' in without.content.decode()
    assert within.status_code == 302


def test_staffs_page_lets_nobody_in_with_a_wrong_code_and_counts_it(
    portal: Client, siti: Account, secret: str, settings: Any
) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 2
    Account.objects.update(is_staff=True)
    form = {"username": EMAIL, "password": PASSWORD}
    tries = [portal.post("/admin/login/", {**form, "otp": "000000"}) for _ in range(2)]
    right = portal.post("/admin/login/", {**form, "otp": code_of(secret)})

    assert [each.status_code for each in tries] == [200, 200]
    assert "errornote" in tries[0].content.decode()
    assert right.status_code == 200
    assert "sessionid" not in portal.cookies


def test_it_is_removed_with_password_and_code(portal: Client, siti: Account, secret: str) -> None:
    headers = bearer(portal, otp=code_of(secret, steps=-1))
    again = portal.post(OTP, {"password": PASSWORD}, "application/json", headers=headers)
    body = {"password": PASSWORD, "otp": "000000"}
    wrong = portal.delete(OTP, body, "application/json", headers=headers)
    body["otp"] = code_of(secret)
    removed = portal.delete(OTP, body, "application/json", headers=headers)

    assert (again.status_code, wrong.status_code, removed.status_code) == (409, 401, 204)
    assert sign_in(portal).status_code == 200


@pytest.mark.parametrize(
    ("required", "fields", "status"),
    [
        (["none"], {"is_admin": True}, 200),
        (["admin"], {"is_admin": True}, 401),
        (["admin"], {"is_staff": True}, 200),
        (["staff"], {"is_staff": True}, 401),
        (["staff", "admin"], {}, 200),
    ],
)
def test_those_who_must_have_one_cannot_sign_in_without(
    portal: Client, siti: Account, settings: Any, required: list[str], fields: dict[str, bool], status: int
) -> None:
    settings.REQUIRE_SECOND_FACTOR = required
    Account.objects.update(**fields)

    assert sign_in(portal).status_code == status


def test_an_operator_sets_it_up_for_them(portal: Client, siti: Account, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("enrol_second_factor", EMAIL)
    secret, address = capsys.readouterr().out.split()

    assert address.startswith("otpauth://totp/")
    assert sign_in(portal, otp=code_of(secret)).status_code == 200
    assert STEP_SECONDS == 30


def test_one_that_was_replaced_meanwhile_stays_replaced(siti: Account, secret: str) -> None:
    before = SecondFactor.objects.get()
    SecondFactor.objects.all().delete()
    anew = second_factor.enrol(siti).secret

    assert not second_factor._takes_code(before, code_of(secret))
    assert SecondFactor.objects.get().open_secret() == anew


def test_a_code_confirms_the_secret_that_it_is_of(siti: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    first = second_factor.enrol(siti).secret
    take = second_factor._takes_code

    def take_and_enrol_again(factor: SecondFactor, otp: str) -> bool:
        is_taken = take(factor, otp)
        second_factor.enrol(siti)
        return is_taken

    monkeypatch.setattr(second_factor, "_takes_code", take_and_enrol_again)
    with pytest.raises(SecondFactorConflictError):
        second_factor.confirm(siti, code_of(first))

    assert SecondFactor.objects.get().confirmed_at is None


def test_one_that_was_confirmed_meanwhile_is_not_begun_anew(siti: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = second_factor.enrol(siti).secret
    SecondFactor.objects.update(confirmed_at=NOW)
    monkeypatch.setattr(second_factor, "_confirmed", lambda _: None)
    with pytest.raises(SecondFactorConflictError):
        second_factor.enrol(siti)

    kept = SecondFactor.objects.get()
    assert (kept.confirmed_at, kept.open_secret()) == (NOW, secret)


def test_without_its_key_a_sign_in_is_told_to_come_later(portal: Client, secret: str, settings: Any) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 1
    SecondFactor.objects.update(secret=b"\x01" + b"12345678" + b"sealed with a key that is gone" * 2)

    assert {sign_in(portal, otp=code_of(secret)).status_code for _ in range(4)} == {503}
