"""The payment service."""

from gateway_clients.gateway import Gateway
from tests.upstreams.samples import Effect, Example, Foreign, Json, Read, UpstreamSamples, a_page, first_page

payment = Gateway.payment
PAYMENT: Json = {"id": "pay-1", "claim_id": "clm-1", "amount": 1500, "status": "paid"}

SAMPLES = UpstreamSamples(
    well={"listPayments": a_page(PAYMENT, total=17)},
    reads=[
        Read(
            payment.list_payments("m-1"),
            "listPayments",
            "GET /payments?member_id=m-1&limit=20&offset=0",
            "payments:member:m-1:list:limit=20&offset=0",
            {"member:m-1"},
        ),
        Read(
            payment.list_payments("m-1", claim_id="clm-1"),
            "listPayments",
            "GET /payments?member_id=m-1&claim_id=clm-1&limit=20&offset=0",
            "payments:member:m-1:list:claim_id=clm-1&limit=20&offset=0",
            {"member:m-1", "claim:clm-1"},
        ),
    ],
    shown={
        "members/m-1/payments": first_page(
            "payments",
            {
                "id": "pay-1",
                "claim_id": "clm-1",
                "amount": 1500,
                "formatted_amount": "Rp 1,500",
                "status": "paid",
                "paid_at": None,
                "method": None,
            },
        ),
    },
    foreign=[
        Foreign(
            payment.list_payments("m-1", claim_id="clm-1"), a_page(PAYMENT), a_page(PAYMENT | {"claim_id": "clm-2"})
        ),
    ],
    examples={"listPayments": Example(200, "GET", "/payments?member_id=m-1")},
    effects=[
        Effect("payment.updated", {"member_id": "m-1"}, "member", "members/m-1", {"payments"}),
        Effect("payment.updated", {"member_id": "m-1"}, "member", "members/m-1/payments", {"payments"}),
    ],
)
