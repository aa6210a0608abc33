"""Whether an e-mail and a password are those of an active account, in the same time whichever of them is wrong."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest

from gateway_clients.edge.errors import WrongCredentialsError
from gateway_clients.edge.input import context_of
from gateway_clients.edge.rate_limit import count_sign_in
from members import hash_queue, known_devices, password_checks, second_factor
from members.models import Account


def sign_in(request: HttpRequest, email: str, password: str, otp: str | None) -> Account:
    """The account that somebody signs in to, whichever way.

    Raises WrongCredentialsError for an unknown e-mail, a wrong password or code and a disabled account alike,
    SecondFactorRequiredError where the password is right and a code is missing, and RateLimitedError after too many
    wrong tries.
    """
    tried = count_sign_in(request, email, device=known_devices.device_known_to(request, email))
    with tried.counted_for(WrongCredentialsError):
        with hash_queue.by(context_of(request).deadline):
            account = account_of(email, password)
        second_factor.require(account, otp)
    return account


def account_of(email: str, password: str) -> Account:
    """The account. Raises WrongCredentialsError for an unknown e-mail, a wrong password, a disabled account alike."""
    account = _find(Account.objects.normalize_email(email))
    if account is None or not account.is_active:
        password_checks.waste(password)
        raise WrongCredentialsError
    if not account.check_password(password):
        raise WrongCredentialsError
    return account


def _find(email: str) -> Account | None:
    try:
        validate_email(email)
    except ValidationError:
        email = ""
    return Account.objects.filter(email=email).first()
