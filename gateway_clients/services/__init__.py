"""One typed client for each upstream: operations as `Call` values, payloads with only the fields that are used."""

from typing import ClassVar

from gateway_clients.services.benefit import BenefitService
from gateway_clients.services.claims import ClaimsService
from gateway_clients.services.document import DocumentService
from gateway_clients.services.member import MemberService
from gateway_clients.services.notification import NotificationService
from gateway_clients.services.payment import PaymentService
from gateway_clients.services.policy import PolicyService
from gateway_clients.services.provider import ProviderService


class Services:
    """The typed clients, each under its upstream's name."""

    __slots__ = ()

    claims: ClassVar = ClaimsService()
    member: ClassVar = MemberService()
    provider: ClassVar = ProviderService()
    benefit: ClassVar = BenefitService()
    policy: ClassVar = PolicyService()
    notification: ClassVar = NotificationService()
    payment: ClassVar = PaymentService()
    document: ClassVar = DocumentService()
