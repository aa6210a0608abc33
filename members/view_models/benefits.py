"""What portals see of benefits and how much of them is used."""

import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from gateway_clients.edge.output import FormattedRupiah, Rupiah, ViewModel


class BenefitCategory(StrEnum):
    """The category of a benefit."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"
    DENTAL = "dental"
    OPTICAL = "optical"
    MATERNITY = "maternity"
    PHARMACY = "pharmacy"
    UNKNOWN = "unknown"


class BenefitItem(ViewModel, frozen=True):
    """A benefit, and how much of it is used."""

    code: Annotated[str, Meta(description="The code of the benefit.", examples=["CONS-GP"])]
    name: Annotated[str, Meta(description="The name of the benefit.", examples=["General practitioner"])]
    category: BenefitCategory
    annual_limit: Annotated[Rupiah, Meta(description="The limit for a year, in whole rupiah.")]
    formatted_annual_limit: Annotated[FormattedRupiah, Meta(description="The limit for a year as text.")]
    used_amount: Annotated[Rupiah, Meta(description="What is used of the limit, in whole rupiah.")]
    formatted_used_amount: Annotated[FormattedRupiah, Meta(description="What is used of the limit as text.")]
    remaining_amount: Annotated[Rupiah, Meta(description="What is left of the limit, in whole rupiah. Never below 0.")]
    formatted_remaining_amount: Annotated[FormattedRupiah, Meta(description="What is left of the limit as text.")]
    used_percent: Annotated[
        int, Meta(description="What is used of the limit, in whole percent, rounded down.", examples=[25])
    ]


class BenefitsSummary(ViewModel, frozen=True):
    """The benefits of the current period, one by one."""

    period_start: Annotated[datetime.date | None, Meta(description="The first day of the benefit period.")]
    period_end: Annotated[datetime.date | None, Meta(description="The last day of the benefit period.")]
    total_limit: Annotated[Rupiah, Meta(description="The sum of all annual limits, in whole rupiah.")]
    formatted_total_limit: Annotated[FormattedRupiah, Meta(description="The sum of all annual limits as text.")]
    total_used: Annotated[Rupiah, Meta(description="What is used of all limits, in whole rupiah.")]
    formatted_total_used: Annotated[FormattedRupiah, Meta(description="What is used of all limits as text.")]
    total_remaining: Annotated[Rupiah, Meta(description="What is left of all limits, in whole rupiah. Never below 0.")]
    formatted_total_remaining: Annotated[FormattedRupiah, Meta(description="What is left of all limits as text.")]
    items: Annotated[tuple[BenefitItem, ...], Meta(description="The benefits of the period.")]


class BenefitsOfCategory(ViewModel, frozen=True):
    """The benefits of one category."""

    category: BenefitCategory
    total_limit: Annotated[Rupiah, Meta(description="The sum of all annual limits, in whole rupiah.")]
    formatted_total_limit: Annotated[FormattedRupiah, Meta(description="The sum of all annual limits as text.")]
    total_used: Annotated[Rupiah, Meta(description="What is used of all limits, in whole rupiah.")]
    formatted_total_used: Annotated[FormattedRupiah, Meta(description="What is used of all limits as text.")]
    total_remaining: Annotated[Rupiah, Meta(description="What is left of all limits, in whole rupiah. Never below 0.")]
    formatted_total_remaining: Annotated[FormattedRupiah, Meta(description="What is left of all limits as text.")]
    items: Annotated[tuple[BenefitItem, ...], Meta(description="The benefits of the category.")]


class Benefits(ViewModel, frozen=True):
    """The benefits of the current period, by category."""

    period_start: Annotated[datetime.date | None, Meta(description="The first day of the benefit period.")]
    period_end: Annotated[datetime.date | None, Meta(description="The last day of the benefit period.")]
    total_limit: Annotated[Rupiah, Meta(description="The sum of all annual limits, in whole rupiah.")]
    formatted_total_limit: Annotated[FormattedRupiah, Meta(description="The sum of all annual limits as text.")]
    total_used: Annotated[Rupiah, Meta(description="What is used of all limits, in whole rupiah.")]
    formatted_total_used: Annotated[FormattedRupiah, Meta(description="What is used of all limits as text.")]
    total_remaining: Annotated[Rupiah, Meta(description="What is left of all limits, in whole rupiah. Never below 0.")]
    formatted_total_remaining: Annotated[FormattedRupiah, Meta(description="What is left of all limits as text.")]
    categories: Annotated[tuple[BenefitsOfCategory, ...], Meta(description="The benefits, by category.")]
