"""The payment service: what was paid for which claim."""

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import SAMPLE_ITEMS, Service, representation_of
from gateway_clients.services.payload_parser import Amount, Moment, Page, Payload, hold_in_utc, page


class PaymentPayload(Payload, frozen=True):
    """One payment."""

    id: str
    claim_id: str
    amount: Amount
    status: str
    paid_at: Moment | None = None
    method: str | None = None

    def __post_init__(self) -> None:
        """Moments are kept in UTC."""
        hold_in_utc(self, "paid_at")


class PaymentService(Service):
    """The typed client of the payment service."""

    name = "payment"

    def sample(self, member_id: str) -> Call[Page[PaymentPayload]]:
        return self.list_payments(member_id, limit=SAMPLE_ITEMS)

    def list_payments(
        self, member_id: str, *, claim_id: str | None = None, limit: int = 20, offset: int = 0
    ) -> Call[Page[PaymentPayload]]:
        """A member's payments, or those of one of their claims; newest first."""
        query = {"claim_id": claim_id, "limit": limit, "offset": offset}
        key = CacheKey(
            DataClass.PAYMENTS,
            representation_of("list", query),
            subject=Subject.member(member_id),
            also_about=() if claim_id is None else (Subject.claim(claim_id),),
        )
        parse = page(
            PaymentPayload,
            is_asked_for=None if claim_id is None else lambda payment: payment.claim_id == claim_id,
        )
        return self._read("listPayments", ("payments",), parse, query={"member_id": member_id, **query}, key=key)
