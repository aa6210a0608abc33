"""The policy service: coverage and eligibility."""

import datetime

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import Service
from gateway_clients.services.payload_parser import Moment, Payload, hold_in_utc, one


class CoveragePayload(Payload, frozen=True):
    """A member's coverage today."""

    status: str
    policy_number: str | None = None
    plan_name: str | None = None
    effective_date: datetime.date | None = None
    expiry_date: datetime.date | None = None


class EligibilityPayload(Payload, frozen=True):
    """Whether a member may be treated at a provider on a day."""

    is_eligible: bool
    reason: str | None = None
    coverage: str | None = None
    checked_at: Moment | None = None

    def __post_init__(self) -> None:
        """Moments are kept in UTC."""
        hold_in_utc(self, "checked_at")


class PolicyService(Service):
    """The typed client of the policy service."""

    name = "policy"

    def sample(self, member_id: str) -> Call[CoveragePayload]:
        return self.get_coverage(member_id)

    def get_coverage(self, member_id: str) -> Call[CoveragePayload]:
        """The member's coverage today."""
        key = CacheKey(DataClass.COVERAGE, "today", subject=Subject.member(member_id))
        return self._read("getCoverage", ("members", member_id, "coverage"), one(CoveragePayload), key=key)

    def check_eligibility(
        self, *, member_id: str, provider_id: str, service_date: datetime.date
    ) -> Call[EligibilityPayload]:
        """A question, never kept: it decides."""
        question = {"member_id": member_id, "provider_id": provider_id, "service_date": service_date}
        return self._ask("checkEligibility", ("eligibility", "check"), one(EligibilityPayload), question)
