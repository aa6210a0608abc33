"""What portals send about people, checked."""

from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from gateway_clients.edge.input import StrictCharField, StrictSerializer
from members.validators import MAX_LENGTH

#: No token is longer.
TOKEN_MAX_LENGTH = 4096
OTP_MAX_LENGTH = 32
OTP_HELP = "The six digits that the authenticator shows, or a recovery code. Each is good once."
#: What a browser takes for an e-mail address (WHATWG HTML, `input type=email`), with a dot behind the @.
EMAIL = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+\Z"
)


class LoginInput(StrictSerializer):
    """An e-mail and its password."""

    email = StrictCharField(max_length=254, help_text="In any letter case.")
    password = StrictCharField(max_length=MAX_LENGTH, trim_whitespace=False, style={"input_type": "password"})
    otp = StrictCharField(required=False, max_length=OTP_MAX_LENGTH, help_text=OTP_HELP)
    session = serializers.ChoiceField(
        choices=["cookie"], required=False, help_text="`cookie`: a session of the browser in place of tokens."
    )


class OtpEnrolmentInput(StrictSerializer):
    """The password, before a second factor is set up."""

    password = StrictCharField(max_length=MAX_LENGTH, trim_whitespace=False, style={"input_type": "password"})


class OtpInput(StrictSerializer):
    """A first code of the authenticator."""

    otp = StrictCharField(max_length=OTP_MAX_LENGTH)


class OtpRemovalInput(OtpEnrolmentInput):
    """The password and a code, before a second factor is removed."""

    otp = StrictCharField(max_length=OTP_MAX_LENGTH, help_text=OTP_HELP)


class RefreshTokenInput(StrictSerializer):
    """A refresh token."""

    refresh_token = StrictCharField(max_length=TOKEN_MAX_LENGTH)


class PasswordInput(StrictSerializer):
    """The password as it is, and as it shall be."""

    current_password = StrictCharField(max_length=MAX_LENGTH, trim_whitespace=False)
    new_password = StrictCharField(
        max_length=MAX_LENGTH,
        trim_whitespace=False,
        help_text="At least 12 characters, not a common one, not like the e-mail or name. Blanks at its ends do not "
        "count, and several in a row count as one.",
    )


class ContactInput(StrictSerializer):
    """What of a member's contact changes: at least one."""

    least_fields = 1
    email = StrictCharField(
        required=False,
        trim_whitespace=False,
        max_length=254,
        validators=[RegexValidator(EMAIL, "Must look like an e-mail address.")],
    )
    phone = StrictCharField(
        required=False,
        trim_whitespace=False,
        max_length=20,
        validators=[RegexValidator(r"^[0-9 +()-]{5,20}\Z", "Must be 5 to 20 digits, spaces, +, -, ( or ).")],
    )
    address = StrictCharField(required=False, max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError when nothing is to change."""
        if len(attrs) < self.least_fields:
            raise serializers.ValidationError("Give at least one of email, phone, address.")
        return attrs
