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
from tests.upstream_answers import CLAIM, DOCUMENT, NOTIFICATION, PAYMENT, a_page
from tests.upstream_answers import MEMBER as PERSON
from tests.upstream_answers import PROVIDER as PLACE

#: One that says neither whose it is nor for which provider.
TOLD = NOTIFICATION | {"member_id": None}

#: call, an answer about what was asked, one about something else
ANSWERS = [
    (claims.get_claim("clm-1"), CLAIM, CLAIM | {"id": "clm-2"}),
    (claims.cancel_claim("clm-1", idempotency_key="k"), CLAIM, CLAIM | {"id": "clm-2"}),
    (claims.appeal_claim("clm-1", reason="r", idempotency_key="k"), CLAIM, CLAIM | {"id": "clm-2"}),
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
    (payment.list_payments("m-1", claim_id="clm-1"), a_page(PAYMENT), a_page(PAYMENT | {"claim_id": "clm-2"})),
    (document.list_documents("m-1"), a_page(DOCUMENT), a_page(DOCUMENT | {"member_id": "m-2"})),
    (document.list_documents("m-1", claim_id="clm-1"), a_page(DOCUMENT), a_page(DOCUMENT | {"claim_id": None})),
    (document.get_document("d-1"), DOCUMENT, DOCUMENT | {"id": "d-2"}),
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
