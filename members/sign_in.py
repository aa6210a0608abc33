"""Whether an e-mail and a password are those of an active account, in the same time whichever of them is wrong."""

from typing import Final

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from gateway_clients.edge.errors import UnauthenticatedError
from members.models import Account

REFUSAL: Final = "Wrong e-mail or password"


def account_of(email: str, password: str) -> Account:
    """The account. Raises UnauthenticatedError for an unknown e-mail, a wrong password and a disabled account alike."""
    account = _find(Account.objects.normalize_email(email))
    if account is None:
        make_password(password)
        raise UnauthenticatedError(REFUSAL)
    if not account.check_password(password) or not account.is_active:
        raise UnauthenticatedError(REFUSAL)
    return account


def _find(email: str) -> Account | None:
    try:
        validate_email(email)
    except ValidationError:
        email = ""
    return Account.objects.filter(email=email).first()
