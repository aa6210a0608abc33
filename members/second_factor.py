"""The second factor of an account: codes of an authenticator (TOTP, RFC 6238), each good once, and recovery codes."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

import pyotp
import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from gateway_clients.edge.errors import SecondFactorRequiredError, TemporarilyUnavailableError, WrongCredentialsError
from gateway_clients.encryption import UnsealableError
from members.errors import SecondFactorConflictError
from members.models import Account, SecondFactor

ISSUER: Final = "Web BFF"
#: Steps of 30 seconds that a code may be early or late (RFC 6238, 5.2 advises one).
DRIFT_STEPS: Final = 1
STEP_SECONDS: Final = 30
RECOVERY_CODES: Final = 10
#: Random bytes of a recovery code: 80 bits, so that one round of SHA-256 is enough to keep it.
RECOVERY_BYTES: Final = 10
#: A code is looked at once more when another one of the account was taken meanwhile: there are so many to take.
MOST_ROUNDS: Final = RECOVERY_CODES
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret for an authenticator, as text and as the address that a QR code shows."""

    secret: str
    address: str


def require(account: Account, otp: str | None) -> None:
    """Checks the code of an account that has a second factor, behind its right password.

    Raises SecondFactorRequiredError where there is none, also for an account that must have a second factor
    (`REQUIRE_SECOND_FACTOR`) and has not, and WrongCredentialsError for a wrong or used one.
    """
    factor = _confirmed(account)
    if factor is None:
        if _must_have_one(account):
            raise SecondFactorRequiredError("This account needs a second factor: ask an operator to set it up.")
        return
    if not otp:
        raise SecondFactorRequiredError
    if not (_takes_code(factor, otp) or _takes_recovery_code(factor, otp)):
        raise WrongCredentialsError("Wrong code.")


def enrol(account: Account) -> Enrolment:
    """A new secret, which holds once it is confirmed. Raises SecondFactorConflictError where one holds already."""
    if _confirmed(account) is not None:
        raise SecondFactorConflictError("The account has a second factor. Remove it first.")
    secret = pyotp.random_base32()
    factor = SecondFactor(account=account)
    factor.keep_secret(secret)
    waiting = SecondFactor.objects.filter(account=account, confirmed_at=None)
    try:
        # One that was confirmed meanwhile is no longer among them, and there can be no second.
        with transaction.atomic():
            if not waiting.update(secret=factor.secret, last_step=0, recovery=[]):
                factor.save(force_insert=True)
    except IntegrityError:
        raise SecondFactorConflictError("The account has a second factor. Remove it first.") from None
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=account.email, issuer_name=ISSUER))


def confirm(account: Account, otp: str) -> tuple[str, ...]:
    """The recovery codes, told this once, for a first code of the authenticator.

    Raises SecondFactorConflictError where nothing waits to be confirmed, and WrongCredentialsError.
    """
    factor = SecondFactor.objects.filter(account=account, confirmed_at=None).first()
    if factor is None:
        raise SecondFactorConflictError("There is no second factor to confirm.")
    if not _takes_code(factor, otp):
        raise WrongCredentialsError("Wrong code.")
    codes = tuple(secrets.token_hex(RECOVERY_BYTES) for _ in range(RECOVERY_CODES))
    proven = SecondFactor.objects.filter(pk=factor.pk, confirmed_at=None, secret=factor.secret)
    if not proven.update(confirmed_at=timezone.now(), recovery=[_digest(code) for code in codes]):
        raise SecondFactorConflictError("Another second factor was begun meanwhile.")
    return codes


def remove(account: Account, otp: str) -> None:
    """Takes the second factor away. Raises as `require` does, and SecondFactorConflictError where there is none."""
    if _confirmed(account) is None:
        raise SecondFactorConflictError("The account has no second factor.")
    require(account, otp)
    SecondFactor.objects.filter(account=account).delete()


def _confirmed(account: Account) -> SecondFactor | None:
    return SecondFactor.objects.filter(account=account).exclude(confirmed_at=None).first()


def _must_have_one(account: Account) -> bool:
    required = settings.REQUIRE_SECOND_FACTOR
    return ("staff" in required and account.is_staff) or ("admin" in required and account.is_admin)


def _takes_code(factor: SecondFactor, otp: str) -> bool:
    """Whether it is a code of now that was not taken before; of several at once one takes it."""
    if not (otp.isascii() and otp.isdigit()):
        return False
    now = int(timezone.now().timestamp()) // STEP_SECONDS
    steps = [now + drift for drift in range(-DRIFT_STEPS, DRIFT_STEPS + 1)]
    for _ in range(MOST_ROUNDS):
        kept = bytes(factor.secret)
        secret = _opened(factor)
        totp = pyotp.TOTP(secret)
        step = next((each for each in steps if secrets.compare_digest(totp.generate_otp(each), otp)), None)
        if step is None or step <= factor.last_step:
            return False
        factor.keep_secret(secret)
        # One that took its place meanwhile stays, and has not been proven by this code.
        unused = SecondFactor.objects.filter(Q(last_step__lt=step), pk=factor.pk, secret=kept)
        if unused.update(last_step=step, secret=factor.secret):
            return True
        # Another code may have been taken meanwhile, which seals the secret anew.
        if not _is_still_there(factor):
            return False
    return False


def _opened(factor: SecondFactor) -> str:
    """The secret. Raises TemporarilyUnavailableError without the key that it was sealed with."""
    try:
        return factor.open_secret()
    except UnsealableError:
        log.error("second_factor.unsealable", account=factor.account_id)  # noqa: TRY400 - where it was raised says nothing
        raise TemporarilyUnavailableError from None


def _takes_recovery_code(factor: SecondFactor, otp: str) -> bool:
    digest = _digest(otp.strip().lower())
    for _ in range(MOST_ROUNDS):
        if digest not in factor.recovery:
            return False
        left = [each for each in factor.recovery if each != digest]
        if SecondFactor.objects.filter(pk=factor.pk, recovery=factor.recovery).update(recovery=left):
            return True
        # Another one may have been taken meanwhile, or this one.
        if not _is_still_there(factor):
            return False
    return False


def _is_still_there(factor: SecondFactor) -> bool:
    """Whether the factor is there, read anew."""
    try:
        factor.refresh_from_db()
    except SecondFactor.DoesNotExist:
        return False
    return True


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
