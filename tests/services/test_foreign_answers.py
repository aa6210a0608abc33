"""Answers about somebody else are refused; payloads come back from the cache as they were."""

import msgspec
import pytest

from gateway_clients.pipeline.call import Call, ForeignAnswerError
from gateway_clients.services.member import ContactChange
from tests.services.services import (
    DAY,
    MEMBER,
    NEW_CLAIM,
    PROVIDER,
    benefit,
    claims,
    document,
    member,
    notification,
    payment,
    provider,
)

CLAIM = {
    "id": "c-1",
    "claim_number": "1",
    "member_id": "m-1",
    "status": "paid",
    "service_date": "2026-03-01",
    "total_amount": 1,
    "provider": {"id": "p-1"},
}
PERSON = {"id": "m-1", "first_name": "A", "last_name": "B", "status": "active", "enrollment_date": "2020-01-01"}
PLACE = {"id": "p-1", "name": "RS", "is_active": True}
TOLD = {"id": "n-1", "type": "t", "title": "t", "created_at": "2026-03-01T00:00:00Z", "is_read": False}
PAID = {"id": "pay-1", "claim_id": "c-1", "amount": 1, "status": "paid"}
FILED = {
    "id": "d-1",
    "member_id": "m-1",
    "claim_id": "c-1",
    "name": "x.pdf",
    "content_type": "application/pdf",
    "size_bytes": 1,
    "uploaded_at": "2026-03-01T00:00:00Z",
}


def a_page(*items: object) -> object:
    return {"items": items, "total": len(items)}


#: call, an answer about what was asked, one about something else
ANSWERS = [
    (claims.get_claim("c-1"), CLAIM, CLAIM | {"id": "c-2"}),
    (claims.cancel_claim("c-1", idempotency_key="k"), CLAIM, CLAIM | {"id": "c-2"}),
    (claims.appeal_claim("c-1", reason="r", idempotency_key="k"), CLAIM, CLAIM | {"id": "c-2"}),
    (claims.submit_claim(NEW_CLAIM, idempotency_key="k"), CLAIM, CLAIM | {"member_id": "m-2"}),
    (claims.list_claims(member_id="m-1"), a_page(CLAIM), a_page(CLAIM, CLAIM | {"member_id": "m-2"})),
    (claims.list_claims(provider_id="p-1"), a_page(CLAIM), a_page(CLAIM | {"provider": {"id": "p-2"}})),
    (claims.list_claims(provider_id="p-1"), a_page(CLAIM), a_page(CLAIM | {"provider": None})),
    (member.get_member("m-1"), PERSON, PERSON | {"id": "m-2"}),
    (member.update_member_contact("m-1", ContactChange(phone="1")), PERSON, PERSON | {"id": "m-2"}),
    (provider.get_provider("p-1"), PLACE, PLACE | {"id": "p-2"}),
    (provider.search_providers(ids=["p-1"]), a_page(PLACE), a_page(PLACE | {"id": "p-2"})),
    (notification.list_notifications(MEMBER), a_page(TOLD), a_page(TOLD | {"member_id": "m-2"})),
    (notification.list_notifications(MEMBER), a_page(TOLD), a_page(TOLD | {"provider_id": "p-1"})),
    (
        notification.list_notifications(PROVIDER),
        a_page(TOLD | {"provider_id": "p-1"}),
        a_page(TOLD | {"provider_id": "p-2"}),
    ),
    (notification.mark_notification_read("n-1", MEMBER), TOLD, TOLD | {"id": "n-2"}),
    (notification.mark_notification_read("n-1", MEMBER), TOLD, TOLD | {"member_id": "m-2"}),
    (payment.list_payments("m-1", claim_id="c-1"), a_page(PAID), a_page(PAID | {"claim_id": "c-2"})),
    (document.list_documents("m-1"), a_page(FILED), a_page(FILED | {"member_id": "m-2"})),
    (document.list_documents("m-1", claim_id="c-1"), a_page(FILED), a_page(FILED | {"claim_id": None})),
    (document.get_document("d-1"), FILED, FILED | {"id": "d-2"}),
    (
        benefit.validate_benefit(member_id="m-1", provider_id="p-1", service_date=DAY, benefit_code="A", amount=1),
        {"benefit_code": "A", "is_covered": True, "coverage_amount": 1},
        {"benefit_code": "B", "is_covered": True, "coverage_amount": 1},
    ),
]


@pytest.mark.parametrize(("call", "own", "foreign"), ANSWERS, ids=lambda value: getattr(value, "operation", ""))
def test_an_answer_about_somebody_else_is_refused(call: Call, own: object, foreign: object) -> None:
    assert call.parse(msgspec.json.encode(own)).drift == ()
    with pytest.raises(ForeignAnswerError):
        call.parse(msgspec.json.encode(foreign))


def test_every_kept_payload_comes_back_as_it_was() -> None:
    for call, own, _ in ANSWERS:
        value = call.parse(msgspec.json.encode(own)).value
        for encoder in (msgspec.json, msgspec.msgpack):
            assert encoder.decode(encoder.encode(value), type=call.payload_type) == value
