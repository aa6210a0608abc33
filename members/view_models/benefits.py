"""What portals see of benefits and how much of them is used."""

import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from claims.view_models import Rupiah
from gateway_clients.edge.view_models import ViewMeta, ViewModel


class BenefitCategory(StrEnum):
    """What a benefit is for; one the gateway does not know is `unknown`."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"
    DENTAL = "dental"
    OPTICAL = "optical"
    MATERNITY = "maternity"
    PHARMACY = "pharmacy"
    UNKNOWN = "unknown"


class BenefitItem(ViewModel, frozen=True):
    """One benefit and how much of it is used."""

    code: Annotated[str, Meta(examples=["CONS-GP"])]
    name: Annotated[str, Meta(examples=["General practitioner"])]
    category: BenefitCategory
    annual_limit: Rupiah
    used_amount: Rupiah
    remaining_amount: Annotated[Rupiah, Meta(description="What is left, whole rupiah; never below 0.")]
    used_percent: Annotated[int, Meta(description="Whole percent, rounded down.", examples=[25])]


class BenefitsSummary(ViewModel, frozen=True):
    """This period's benefits, one by one."""

    period_start: datetime.date | None
    period_end: datetime.date | None
    total_limit: Rupiah
    total_used: Rupiah
    total_remaining: Rupiah
    items: tuple[BenefitItem, ...]


class BenefitsOfCategory(ViewModel, frozen=True):
    """The benefits of one category."""

    category: BenefitCategory
    total_limit: Rupiah
    total_used: Rupiah
    total_remaining: Rupiah
    items: tuple[BenefitItem, ...]


class Benefits(ViewModel, frozen=True):
    """This period's benefits by category."""

    period_start: datetime.date | None
    period_end: datetime.date | None
    total_limit: Rupiah
    total_used: Rupiah
    total_remaining: Rupiah
    categories: tuple[BenefitsOfCategory, ...]


class BenefitsView(ViewModel, frozen=True):
    """A member's benefits alone."""

    benefits: Benefits | None
    meta: ViewMeta
