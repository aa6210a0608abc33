"""The services, and what tests submit to them."""

import datetime

from gateway_clients.caching.keys import Subject
from gateway_clients.services.benefit import BenefitService
from gateway_clients.services.claims import ClaimsService, NewClaim, NewClaimItem
from gateway_clients.services.document import DocumentService
from gateway_clients.services.member import MemberService
from gateway_clients.services.notification import NotificationService
from gateway_clients.services.payment import PaymentService
from gateway_clients.services.policy import EligibilityPayload, PolicyService
from gateway_clients.services.provider import ProviderService

DAY = datetime.date(2026, 3, 1)
MEMBER = Subject.member("m-1")
PROVIDER = Subject.provider("p-1")
claims, member, provider = ClaimsService(), MemberService(), ProviderService()
benefit, policy, payment = BenefitService(), PolicyService(), PaymentService()
notification, document = NotificationService(), DocumentService()

NEW_CLAIM = NewClaim(
    member_id="m-1",
    provider_id="p-1",
    service_date=DAY,
    items=(NewClaimItem(benefit_code="CONS-GP", amount=500000),),
    eligibility=EligibilityPayload(is_eligible=True),
    benefit_validations=(),
    submitted_by="7",
)
