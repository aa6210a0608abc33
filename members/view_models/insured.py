"""What portals see of members, their coverage and eligibility."""

import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from claims.view_models import Moment, Total
from gateway_clients.edge.view_models import ViewMeta, ViewModel


class MemberStatus(StrEnum):
    """Where a membership stands; one the gateway does not know is `unknown`."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    UNKNOWN = "unknown"


class Plan(ViewModel, frozen=True):
    """The plan a member is on."""

    id: str | None
    name: Annotated[str | None, Meta(examples=["Askes Gold"])]
    tier: str | None


class Personal(ViewModel, frozen=True):
    """Who a member is and how to reach them."""

    id: Annotated[str, Meta(examples=["m-1"])]
    member_number: str | None
    first_name: Annotated[str, Meta(examples=["Siti"])]
    last_name: Annotated[str, Meta(examples=["Rahayu"])]
    name: Annotated[str, Meta(examples=["Siti Rahayu"])]
    date_of_birth: datetime.date | None
    email: str | None
    phone: str | None
    address: str | None
    status: MemberStatus
    member_since: datetime.date
    plan: Plan | None


class PersonalList(ViewModel, frozen=True):
    """One page of members, by last name."""

    items: tuple[Personal, ...]
    total: Total
    limit: int
    offset: int
    meta: ViewMeta


class CoverageStatus(StrEnum):
    """Whether a member is covered today; one the gateway does not know is `unknown`."""

    ACTIVE = "active"
    GRACE_PERIOD = "grace_period"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Coverage(ViewModel, frozen=True):
    """A member's coverage today."""

    status: CoverageStatus
    policy_number: str | None
    plan_name: Annotated[str | None, Meta(examples=["Askes Gold"])]
    effective_date: datetime.date | None
    expiry_date: datetime.date | None


class CoverageLevel(StrEnum):
    """How far a treatment is covered; a level the gateway does not know is `unknown`."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    UNKNOWN = "unknown"


class Eligibility(ViewModel, frozen=True):
    """Whether a member may be treated at a provider on a day."""

    is_eligible: bool
    reason: str | None
    coverage: CoverageLevel | None
    checked_at: Moment | None


class CoverageView(ViewModel, frozen=True):
    """A member's coverage alone."""

    coverage: Coverage | None
    meta: ViewMeta
