"""What portals see of members, their coverage and eligibility."""

import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from gateway_clients.audit.members import MemberId
from gateway_clients.edge.output import Moment, ViewModel


class MemberStatus(StrEnum):
    """The status of a membership."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    UNKNOWN = "unknown"


class Plan(ViewModel, frozen=True):
    """The plan of a member."""

    id: Annotated[str | None, Meta(description="The unique identifier of the plan.")]
    name: Annotated[str | None, Meta(description="The name of the plan.", examples=["Askes Gold"])]
    tier: Annotated[str | None, Meta(description="The tier of the plan.")]


class Personal(ViewModel, frozen=True):
    """A member and their contact details."""

    id: Annotated[MemberId, Meta(description="The unique identifier of the member.", examples=["m-1"])]
    member_number: Annotated[str | None, Meta(description="The number on the member's card.")]
    first_name: Annotated[str, Meta(description="The first name.", examples=["Siti"])]
    last_name: Annotated[str, Meta(description="The last name.", examples=["Rahayu"])]
    name: Annotated[str, Meta(description="The full name.", examples=["Siti Rahayu"])]
    date_of_birth: Annotated[datetime.date | None, Meta(description="The date of birth.")]
    email: Annotated[str | None, Meta(description="The e-mail address.")]
    phone: Annotated[str | None, Meta(description="The phone number.")]
    address: Annotated[str | None, Meta(description="The postal address.")]
    status: MemberStatus
    member_since: Annotated[datetime.date, Meta(description="The day the membership began.")]
    plan: Plan | None


class CoverageStatus(StrEnum):
    """The status of a coverage."""

    ACTIVE = "active"
    GRACE_PERIOD = "grace_period"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Coverage(ViewModel, frozen=True):
    """The coverage of a member today."""

    status: CoverageStatus
    policy_number: Annotated[str | None, Meta(description="The number of the policy.")]
    plan_name: Annotated[str | None, Meta(description="The name of the plan.", examples=["Askes Gold"])]
    effective_date: Annotated[datetime.date | None, Meta(description="The first day of the coverage.")]
    expiry_date: Annotated[
        datetime.date | None, Meta(description="The last day of the coverage; null when it is open-ended.")
    ]


class CoverageLevel(StrEnum):
    """How far a treatment is covered."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    UNKNOWN = "unknown"


class Eligibility(ViewModel, frozen=True):
    """Whether a member can be treated at a provider on a day."""

    is_eligible: Annotated[bool, Meta(description="Whether the member can be treated there on that day.")]
    reason: Annotated[str | None, Meta(description="Why not; null when the member is eligible.")]
    coverage: CoverageLevel | None
    checked_at: Annotated[Moment | None, Meta(description="When the insurer checked it.")]
