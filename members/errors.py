"""Why something about an account is not done, as portals see it."""

from gateway_clients.edge.errors import ApiError, BadUserInputError
from gateway_clients.errors import ErrorCode


class SecondFactorConflictError(ApiError):
    """The account has a second factor already, or has none."""

    status = 409
    code = ErrorCode.CONFLICT
    title = "The state of the second factor does not allow this"


class PasswordConflictError(ApiError):
    """Each time that the new password was about to be kept, the old one had just been kept anew by somebody else."""

    status = 409
    code = ErrorCode.CONFLICT
    title = "The password was written by another request at the same time, please try again"


class WrongPasswordError(BadUserInputError):
    """The password that somebody who is signed in gives once more is not the account's; `errors` names the field."""
