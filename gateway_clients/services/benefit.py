"""The benefit service: what a member's plan pays for, and how much of it is used."""

import datetime

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import Service
from gateway_clients.services.payload_parser import Amount, Payload, one


class BenefitPayload(Payload, frozen=True):
    """One benefit of this period."""

    code: str
    name: str
    annual_limit: Amount
    used_amount: Amount
    category: str | None = None


class BenefitsPayload(Payload, frozen=True):
    """A member's benefits of this period."""

    items: tuple[BenefitPayload, ...]
    period_start: datetime.date | None = None
    period_end: datetime.date | None = None


class BenefitValidationPayload(Payload, frozen=True):
    """Whether the plan covers a treatment, and how much of it."""

    benefit_code: str
    is_covered: bool
    coverage_amount: Amount
    copay_amount: Amount | None = None
    reason: str | None = None


class BenefitService(Service):
    """The typed client of the benefit service."""

    name = "benefit"

    def sample(self, member_id: str) -> Call[BenefitsPayload]:
        return self.list_member_benefits(member_id)

    def list_member_benefits(self, member_id: str) -> Call[BenefitsPayload]:
        """This period's limits and use."""
        key = CacheKey(DataClass.BENEFITS, "list", subject=Subject.member(member_id))
        return self._read("listMemberBenefits", ("members", member_id, "benefits"), one(BenefitsPayload), key=key)

    def validate_benefit(
        self,
        *,
        member_id: str,
        provider_id: str,
        service_date: datetime.date,
        benefit_code: str,
        amount: int,
        quantity: int = 1,
    ) -> Call[BenefitValidationPayload]:
        """A question, never kept: whether, and how much of it, the plan covers."""
        question = {
            "member_id": member_id,
            "provider_id": provider_id,
            "service_date": service_date,
            "benefit_code": benefit_code,
            "amount": amount,
            "quantity": quantity,
        }
        parse = one(BenefitValidationPayload, is_asked_for=lambda answer: answer.benefit_code == benefit_code)
        return self._ask("validateBenefit", ("benefits", "validate"), parse, question)
