"""Whether an e-mail and a password are those of an active account, in the same time whichever of them is wrong."""

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from gateway_clients.edge.errors import WrongCredentialsError
from members.models import Account


def account_of(email: str, password: str) -> Account:
    """The account. Raises WrongCredentialsError for an unknown e-mail, a wrong password, a disabled account alike."""
    account = _find(Account.objects.normalize_email(email))
    if account is None:
        make_password(password)
        raise WrongCredentialsError
    if not account.check_password(password) or not account.is_active:
        raise WrongCredentialsError
    return account


def _find(email: str) -> Account | None:
    try:
        validate_email(email)
    except ValidationError:
        email = ""
    return Account.objects.filter(email=email).first()
