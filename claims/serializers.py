"""What portals send about claims, checked before anybody is asked."""

import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import RegexValidator
from django.utils import timezone
from rest_framework import serializers

from gateway_clients.edge.input import (
    BoundedListField,
    CalendarDateField,
    IdField,
    StrictCharField,
    StrictSerializer,
    WholeNumberField,
)
from gateway_clients.services.payload_parser import MAX_SAFE_INTEGER

MOST_ITEMS: Final = 50
MOST_RUPIAH: Final = 10**12
MOST_OF_ONE: Final = 999
MOST_YEARS_BACK: Final = 5
TEXT_MAX_LENGTH: Final = 2000
DESCRIPTION_MAX_LENGTH: Final = 500
BENEFIT_CODE: Final = r"^[!-~]+\Z"
DIAGNOSIS_CODE: Final = r"^[A-Za-z0-9][A-Za-z0-9.+*-]*\Z"


def business_today() -> datetime.date:
    """The day by the calendar of `BUSINESS_TIME_ZONE`."""
    return timezone.now().astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()


def check_service_date(date: datetime.date) -> None:
    """Raises ValidationError for a day that is yet to come, or too long ago."""
    today = business_today()
    if date > today:
        raise serializers.ValidationError("Must not be in the future.")
    if (date.year + MOST_YEARS_BACK, date.month, date.day) < (today.year, today.month, today.day):
        raise serializers.ValidationError(f"Must not be more than {MOST_YEARS_BACK} years back.")


class ClaimItemInput(StrictSerializer):
    """One treatment."""

    benefit_code = StrictCharField(
        validators=[RegexValidator(BENEFIT_CODE, "Must be 1 to 64 visible ASCII characters.")],
        trim_whitespace=False,
        max_length=64,
        help_text="Visible ASCII characters, such as CONS-GP.",
    )
    amount = WholeNumberField(min_value=1, max_value=MOST_RUPIAH, help_text="Whole rupiah, of one.")
    quantity = WholeNumberField(min_value=1, max_value=MOST_OF_ONE, required=False, help_text="1 unless given.")
    description = StrictCharField(max_length=DESCRIPTION_MAX_LENGTH, required=False, allow_null=True, allow_blank=True)


class ClaimInput(StrictSerializer):
    """A claim to submit."""

    member_id = IdField()
    provider_id = IdField()
    service_date = CalendarDateField(
        validators=[check_service_date], help_text="The day of the treatment: not in the future, 5 years back at most."
    )
    items = BoundedListField(child=ClaimItemInput(), min_length=1, max_length=MOST_ITEMS)
    diagnosis_code = StrictCharField(
        validators=[RegexValidator(DIAGNOSIS_CODE, "Must be an ICD-10 code, such as J06.9.")],
        trim_whitespace=False,
        max_length=16,
        required=False,
        allow_null=True,
        help_text="ICD-10.",
    )
    notes = StrictCharField(max_length=TEXT_MAX_LENGTH, required=False, allow_null=True, allow_blank=True)

    def validate_items(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The sum is a number that every JSON reader keeps exactly."""
        if sum(item["amount"] * item.get("quantity", 1) for item in items) > MAX_SAFE_INTEGER:
            raise serializers.ValidationError("The total is too large.")
        return items


class CancellationInput(StrictSerializer):
    """Why a claim is cancelled."""

    reason = StrictCharField(max_length=TEXT_MAX_LENGTH, required=False, allow_null=True, allow_blank=True)


class AppealInput(StrictSerializer):
    """Why a claim is appealed."""

    reason = StrictCharField(max_length=TEXT_MAX_LENGTH)
