"""What each method asks for, and under which key its answer is kept."""

import inspect
import re

import msgspec
import pytest

from gateway_clients.caching.shapes import shape_of
from gateway_clients.conf import SERVICES
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import digest_of
from gateway_clients.services.document import NewDocument
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
    policy,
    provider,
)

NEW_DOCUMENT = NewDocument(
    member_id="m-1", claim_id=None, name="a.pdf", content_type="application/pdf", boundary="0123456789"
)

#: call, operation, method and target, key, the other tags than those of the data class and the key's own subject
READS = [
    (
        claims.list_claims(member_id="m-1", limit=5),
        "listClaims",
        "GET /claims?member_id=m-1&limit=5&offset=0",
        "claims:member:m-1:list:limit=5&offset=0",
        {"member:m-1"},
    ),
    (
        claims.list_claims(
            member_id="m-1",
            provider_id="p-1",
            status="paid",
            service_date_from=DAY,
            service_date_to=DAY,
            offset=40,
            reader=PROVIDER,
        ),
        "listClaims",
        "GET /claims?member_id=m-1&provider_id=p-1&status=paid"
        "&service_date_from=2026-03-01&service_date_to=2026-03-01&limit=20&offset=40",
        "claims:member:m-1:for:provider:p-1:list:provider_id=p-1&status=paid"
        "&service_date_from=2026-03-01&service_date_to=2026-03-01&limit=20&offset=40",
        {"member:m-1", "provider:p-1"},
    ),
    (
        claims.list_claims(provider_id="p-1"),
        "listClaims",
        "GET /claims?provider_id=p-1&limit=20&offset=0",
        "claims:provider:p-1:list:limit=20&offset=0",
        {"provider:p-1"},
    ),
    (claims.list_claims(), "listClaims", "GET /claims?limit=20&offset=0", None, set()),
    (
        claims.get_claim("clm-1", member_id="m-1"),
        "getClaim",
        "GET /claims/clm-1",
        "claims:member:m-1:claim:clm-1",
        {"member:m-1", "claim:clm-1"},
    ),
    (
        claims.get_claim("clm-1", member_id="m-1", reader=PROVIDER),
        "getClaim",
        "GET /claims/clm-1",
        "claims:member:m-1:for:provider:p-1:claim:clm-1",
        {"member:m-1", "claim:clm-1", "provider:p-1"},
    ),
    (claims.get_claim("clm-1"), "getClaim", "GET /claims/clm-1", None, set()),
    (
        claims.summarize_claims(member_id="m-1"),
        "summarizeClaims",
        "GET /claims/summary?member_id=m-1",
        "summary:member:m-1:claims",
        {"member:m-1"},
    ),
    (
        claims.summarize_claims(member_id="m-1", provider_id="p-1"),
        "summarizeClaims",
        "GET /claims/summary?member_id=m-1&provider_id=p-1",
        "summary:member:m-1:claims:provider_id=p-1",
        {"member:m-1", "provider:p-1"},
    ),
    (claims.summarize_claims(), "summarizeClaims", "GET /claims/summary", "summary:claims", set()),
    (member.get_member("m-1"), "getMember", "GET /members/m-1", "member:member:m-1:personal", {"member:m-1"}),
    (
        member.search_members(q="Siti R", status="active"),
        "searchMembers",
        "GET /members?q=Siti+R&status=active&limit=20&offset=0",
        None,
        set(),
    ),
    (
        provider.get_provider("p-1"),
        "getProvider",
        "GET /providers/p-1",
        "provider:provider:p-1:detail",
        {"provider:p-1"},
    ),
    (
        provider.search_providers(q="sehat & co", is_active=True, limit=10),
        "searchProviders",
        "GET /providers?q=sehat+%26+co&is_active=true&limit=10&offset=0",
        f"provider:list:q={digest_of('sehat & co')}&is_active=true&limit=10&offset=0",
        set(),
    ),
    (
        provider.search_providers(ids=["p-2", "p-1", "p-2"], limit=100),
        "searchProviders",
        "GET /providers?ids=p-1%2Cp-2&limit=100&offset=0",
        "provider:list:ids=p-1%2Cp-2&limit=100&offset=0",
        {"provider:p-1", "provider:p-2"},
    ),
    (
        benefit.list_member_benefits("m-1"),
        "listMemberBenefits",
        "GET /members/m-1/benefits",
        "benefits:member:m-1:list",
        {"member:m-1"},
    ),
    (
        policy.get_coverage("m-1"),
        "getCoverage",
        "GET /members/m-1/coverage",
        "coverage:member:m-1:today",
        {"member:m-1"},
    ),
    (
        notification.list_notifications(MEMBER, limit=5),
        "listNotifications",
        "GET /notifications?member_id=m-1&limit=5",
        "notifications:member:m-1:list:limit=5",
        {"member:m-1"},
    ),
    (
        notification.list_notifications(PROVIDER, unread=True),
        "listNotifications",
        "GET /notifications?provider_id=p-1&unread=true&limit=20",
        "notifications:provider:p-1:list:unread=true&limit=20",
        {"provider:p-1"},
    ),
    (
        payment.list_payments("m-1"),
        "listPayments",
        "GET /payments?member_id=m-1&limit=20&offset=0",
        "payments:member:m-1:list:limit=20&offset=0",
        {"member:m-1"},
    ),
    (
        payment.list_payments("m-1", claim_id="clm-1"),
        "listPayments",
        "GET /payments?member_id=m-1&claim_id=clm-1&limit=20&offset=0",
        "payments:member:m-1:list:claim_id=clm-1&limit=20&offset=0",
        {"member:m-1", "claim:clm-1"},
    ),
    (
        document.list_documents("m-1", claim_id="clm-1", limit=5),
        "listDocuments",
        "GET /documents?member_id=m-1&claim_id=clm-1&limit=5&offset=0",
        "documents:member:m-1:list:claim_id=clm-1&limit=5&offset=0",
        {"member:m-1", "claim:clm-1"},
    ),
    (document.get_document("d-1"), "getDocument", "GET /documents/d-1", None, set()),
    (document.download_document("d/1"), "downloadDocument", "GET /documents/d%2F1/content", None, set()),
]

#: call, operation, method and target, body, key sent upstream, whether it may be sent twice
CHANGES = [
    (
        claims.submit_claim(NEW_CLAIM, idempotency_key="k-1"),
        "submitClaim",
        "POST /claims",
        {
            "member_id": "m-1",
            "provider_id": "p-1",
            "service_date": "2026-03-01",
            "items": [{"benefit_code": "CONS-GP", "amount": 500000}],
            "eligibility": {"is_eligible": True},
            "benefit_validations": [],
            "submitted_by": "7",
        },
        "k-1",
        False,
    ),
    (
        document.upload_document(NEW_DOCUMENT, idempotency_key="k"),
        "uploadDocument",
        "POST /documents",
        None,
        "k",
        False,
    ),
    (claims.cancel_claim("c-1", idempotency_key="k"), "cancelClaim", "POST /claims/c-1/cancel", {}, "k", False),
    (
        claims.cancel_claim("c-1", reason="twice", idempotency_key="k"),
        "cancelClaim",
        "POST /claims/c-1/cancel",
        {"reason": "twice"},
        "k",
        False,
    ),
    (
        claims.appeal_claim("c-1", reason="see letter", idempotency_key="k"),
        "appealClaim",
        "POST /claims/c-1/appeal",
        {"reason": "see letter"},
        "k",
        False,
    ),
    (
        member.update_member_contact("m-1", ContactChange(phone="+62 21 555")),
        "updateMemberContact",
        "PATCH /members/m-1",
        {"phone": "+62 21 555"},
        None,
        False,
    ),
    (
        notification.send_notification(
            type="claim_submitted", claim_id="c-1", user_id="7", channel=("email", "push"), idempotency_key="k"
        ),
        "sendNotification",
        "POST /notifications",
        {"type": "claim_submitted", "claim_id": "c-1", "user_id": "7", "channel": ["email", "push"]},
        "k",
        False,
    ),
    (
        notification.mark_notification_read("n-1", MEMBER),
        "markNotificationRead",
        "POST /notifications/n-1/read?member_id=m-1",
        None,
        None,
        False,
    ),
    (
        benefit.validate_benefit(
            member_id="m-1", provider_id="p-1", service_date=DAY, benefit_code="CONS-GP", amount=5, quantity=2
        ),
        "validateBenefit",
        "POST /benefits/validate",
        {
            "member_id": "m-1",
            "provider_id": "p-1",
            "service_date": "2026-03-01",
            "benefit_code": "CONS-GP",
            "amount": 5,
            "quantity": 2,
        },
        None,
        True,
    ),
    (
        policy.check_eligibility(member_id="m-1", provider_id="p-1", service_date=DAY),
        "checkEligibility",
        "POST /eligibility/check",
        {"member_id": "m-1", "provider_id": "p-1", "service_date": "2026-03-01"},
        None,
        True,
    ),
]


def _name(value: object) -> str:
    """The same name in every process: a set has no order of its own."""
    return ",".join(sorted(value)) if isinstance(value, set) else str(value)[:40]


@pytest.mark.parametrize(("call", "operation", "line", "key", "subjects"), READS, ids=_name)
def test_a_read_says_what_to_ask_and_where_the_answer_is_kept(
    call: Call, operation: str, line: str, key: str | None, subjects: set[str]
) -> None:
    assert (call.operation, f"{call.method} {call.target}") == (operation, line)
    assert (call.body, call.is_repeatable) == (None, True)
    assert (str(call.key) if call.key else None) == (key and f"{key}~{shape_of(call.payload_type)}")
    kept_about = {tag for tag in call.key.tags if tag.count(":") == 1} if call.key else set()
    assert kept_about == subjects


@pytest.mark.parametrize(("call", "operation", "line", "body", "key", "twice"), CHANGES, ids=_name)
def test_a_change_or_a_question_is_never_kept(
    call: Call, operation: str, line: str, body: object, key: str | None, twice: bool
) -> None:
    assert (call.operation, f"{call.method} {call.target}") == (operation, line)
    assert (msgspec.json.decode(call.body) if call.body else None) == body
    kind_of_body = "multipart/form-data; boundary=0123456789" if operation == "uploadDocument" else None
    assert call.content_type == ("application/json" if call.body else kind_of_body)
    assert (call.idempotency_key, call.is_repeatable, call.key) == (key, twice, None)


@pytest.mark.parametrize(
    "call",
    [
        lambda: claims.list_claims(member_id="m-1:x"),
        lambda: member.get_member("../secret"),
        lambda: provider.get_provider(""),
        lambda: provider.search_providers(ids=["a,b"]),
    ],
)
def test_what_is_no_id_gets_no_key_and_no_call(call) -> None:
    with pytest.raises(ValueError, match="not an id"):
        call()


def test_paths_are_encoded() -> None:
    assert claims.get_claim("a/b?c").target == "/claims/a%2Fb%3Fc"


def test_every_method_is_named_for_its_operation_and_was_looked_at_here() -> None:
    methods = {
        (name, method)
        for name in SERVICES
        for method, _ in inspect.getmembers(getattr(Gateway, name), inspect.ismethod)
        if not method.startswith("_") and method != "sample"
    }

    assert methods == {
        (call.service, re.sub("(?=[A-Z])", "_", call.operation).lower()) for call, *_ in (*READS, *CHANGES)
    }
    assert [getattr(Gateway, name).name for name in SERVICES] == list(SERVICES)


def test_words_are_told_apart_in_keys_and_cannot_be_read_there(settings) -> None:
    one, same, other = (provider.search_providers(q=q).key for q in ("siti hiv", "siti hiv", "siti"))

    assert one == same != other
    assert re.fullmatch(r"provider:list:q=[0-9a-f]{32}&limit=20&offset=0~[0-9a-f]{12}", str(one))
    settings.SECRET_KEY = "another"
    assert provider.search_providers(q="siti hiv").key != one
