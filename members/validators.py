"""How long a password must be, wherever one is set: the blanks that nobody sees do not count."""

import unicodedata
from typing import Any, Final

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError

MIN_LENGTH: Final = 12
#: No password is longer; a hash of more would only cost time.
MAX_LENGTH: Final = 1024
#: Unicode's separators, and its controls, formats and unassigned characters.
UNSEEN: Final = "ZC"


class PasswordLengthValidator(MinimumLengthValidator):
    """At least 12 characters, of which several blanks in a row are one and those at the ends none; 1,024 at most."""

    def __init__(self) -> None:
        super().__init__(MIN_LENGTH)

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError for a password that breaks the rule."""
        super().validate(_as_seen(password), user)
        if len(password) > MAX_LENGTH:
            raise ValidationError(
                f"This password is too long. It must contain at most {MAX_LENGTH} characters.",
                code="password_too_long",
            )

    def get_help_text(self) -> str:
        """Returns the help text of staff's forms."""
        return (
            f"Your password must contain at least {MIN_LENGTH} characters. "
            "Blanks at its ends do not count, and several in a row count as one."
        )


def _as_seen(password: str) -> str:
    blank = (" " if unicodedata.category(each)[0] in UNSEEN else each for each in password)
    return " ".join("".join(blank).split())
