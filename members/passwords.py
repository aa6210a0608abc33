"""Changing a password: only by who knows the one that holds at the moment of the change."""

from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from gateway_clients.edge.errors import BadUserInputError, UnauthenticatedError
from members.errors import PasswordConflictError, WrongPasswordError
from members.models import Account

#: A sign-in may keep the password anew while it is being changed; then the change begins again.
MOST_ROUNDS: Final = 3


def change_password(account: Account, *, current: str, new: str) -> None:
    """Sets a new password, and signs out everywhere.

    Of several changes at the same time one is made; to the others the password that they know is no longer the one.
    Raises WrongPasswordError, BadUserInputError for a new one that is too weak, UnauthenticatedError for an account
    that is gone, and PasswordConflictError where somebody else was quicker in each round.
    """
    for _ in range(MOST_ROUNDS):
        if not account.check_password(current):
            raise WrongPasswordError(errors={"current_password": ["This is not the password."]})
        try:
            validate_password(new, account)
        except ValidationError as error:
            raise BadUserInputError(errors={"new_password": error.messages}) from None
        if account.replace_password(new):
            return
        try:
            account.refresh_from_db()
        except Account.DoesNotExist:
            raise UnauthenticatedError from None
    raise PasswordConflictError
