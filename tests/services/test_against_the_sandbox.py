"""The typed clients ask services that hold to the contracts, and read every answer without a loss."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import requests

from gateway_clients.caching.keys import Subject
from gateway_clients.conf import SERVICES
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.call import Call, Parsed
from gateway_clients.services.claims import NewClaim, NewClaimItem
from gateway_clients.services.member import ContactChange
from sandbox.testing import Latency, Sandbox

TODAY = datetime.date(2026, 3, 15)
MEMBER = Subject.member("m-1")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(today=TODAY, latency=Latency.parse("0")) as running:
        yield running


@pytest.fixture
def ask(sandbox: Sandbox) -> Iterator[Callable[[Call[Any]], Parsed[Any]]]:
    with requests.Session() as session:
        session.trust_env = False

        def send(call: Call[Any]) -> Parsed[Any]:
            headers = {"Idempotency-Key": call.idempotency_key, "Content-Type": call.content_type}
            answer = session.request(
                call.method,
                sandbox.url(call.service) + call.target,
                data=call.body,
                headers={name: value for name, value in headers.items() if value is not None},
                timeout=5,
            )
            assert answer.ok, answer.text
            parsed = call.parse(answer.content)
            assert (parsed.omitted, parsed.drift) == (0, ())
            return parsed

        yield send


def test_lists_of_a_member_are_read_whole(ask) -> None:
    for call in (
        Gateway.claims.list_claims(member_id="m-1", limit=100),
        Gateway.notification.list_notifications(MEMBER, limit=100),
        Gateway.payment.list_payments("m-1", limit=100),
        Gateway.document.list_documents("m-1", limit=100),
    ):
        assert ask(call).value.items, call.operation


@pytest.mark.parametrize("name", SERVICES)
def test_the_sample_of_every_upstream_is_read_whole(name: str, ask) -> None:
    value = ask(getattr(Gateway, name).sample("m-1")).value

    assert getattr(value, "items", True)


def test_a_hundred_claims_of_everybody_and_of_a_provider_are_read_whole(ask) -> None:
    page = ask(Gateway.claims.list_claims(limit=100)).value
    provider_id = next(claim.provider_id for claim in page.items if claim.provider_id)

    assert len(page.items) == 100
    assert page.total >= 6000
    assert ask(Gateway.claims.list_claims(provider_id=provider_id, limit=100)).value.items
    assert ask(Gateway.notification.list_notifications(Subject.provider(provider_id))).value is not None


def test_single_things_are_read_whole(ask) -> None:
    claim_id = ask(Gateway.claims.list_claims(member_id="m-1", limit=1)).value.items[0].id
    document_id = ask(Gateway.document.list_documents("m-1", limit=1)).value.items[0].id
    provider_id = ask(Gateway.provider.search_providers(limit=1)).value.items[0].id

    claim = ask(Gateway.claims.get_claim(claim_id, member_id="m-1")).value
    assert (claim.id, claim.member_id, bool(claim.items), bool(claim.history)) == (claim_id, "m-1", True, True)
    assert ask(Gateway.member.get_member("m-1")).value.id == "m-1"
    assert ask(Gateway.provider.get_provider(provider_id)).value.id == provider_id
    assert ask(Gateway.document.get_document(document_id)).value.id == document_id
    assert ask(Gateway.policy.get_coverage("m-1")).value.policy_number


def test_searches_and_sums_are_read_whole(ask) -> None:
    providers = ask(Gateway.provider.search_providers(limit=100)).value
    ids = [provider.id for provider in providers.items[:3]]
    summary = ask(Gateway.claims.summarize_claims(member_id="m-1")).value

    assert len(providers.items) == providers.total
    assert {provider.id for provider in ask(Gateway.provider.search_providers(ids=ids)).value.items} == set(ids)
    assert ask(Gateway.member.search_members(q="a", limit=100)).value.items
    assert sum(row.count for row in summary.by_status) == summary.total > 0


def test_a_claim_is_asked_about_submitted_and_cancelled(ask) -> None:
    provider_id = ask(Gateway.provider.search_providers(is_active=True, limit=1)).value.items[0].id
    code = ask(Gateway.benefit.list_member_benefits("m-1")).value.items[0].code
    eligibility = ask(
        Gateway.policy.check_eligibility(member_id="m-1", provider_id=provider_id, service_date=TODAY)
    ).value
    validation = ask(
        Gateway.benefit.validate_benefit(
            member_id="m-1", provider_id=provider_id, service_date=TODAY, benefit_code=code, amount=1000
        )
    ).value
    claim = NewClaim(
        member_id="m-1",
        provider_id=provider_id,
        service_date=TODAY,
        items=(NewClaimItem(benefit_code=code, amount=1000),),
        eligibility=eligibility,
        benefit_validations=(validation,),
        submitted_by="7",
    )

    made = ask(Gateway.claims.submit_claim(claim, idempotency_key="key-1")).value
    again = ask(Gateway.claims.submit_claim(claim, idempotency_key="key-1")).value
    cancelled = ask(Gateway.claims.cancel_claim(made.id, reason="twice", idempotency_key="key-2")).value

    assert (made.status, made.total_amount, again.id) == ("submitted", 1000, made.id)
    assert (cancelled.id, cancelled.status) == (made.id, "cancelled")


def test_a_rejected_claim_is_appealed(ask) -> None:
    rejected = ask(Gateway.claims.list_claims(status="rejected", limit=1)).value.items[0]

    appealed = ask(Gateway.claims.appeal_claim(rejected.id, reason="see letter", idempotency_key="key-3")).value

    assert (appealed.id, appealed.status) == (rejected.id, "processing")


def test_contact_and_notifications_are_changed(ask) -> None:
    told = ask(Gateway.notification.list_notifications(MEMBER, limit=1)).value.items[0]
    changed = ask(Gateway.member.update_member_contact("m-1", ContactChange(phone="+62 21 555"))).value

    assert changed.phone == "+62 21 555"
    assert ask(Gateway.notification.mark_notification_read(told.id, MEMBER)).value.is_read is True
    sent = Gateway.notification.send_notification(
        type="claim_submitted", user_id="7", channel=("email",), idempotency_key="key-4"
    )
    assert ask(sent).value is None


def test_what_is_kept_of_a_page_of_the_sandbox_comes_back_as_it_was(ask) -> None:
    call = Gateway.claims.list_claims(member_id="m-1", limit=100)
    value = ask(call).value

    for encoder in (msgspec.json, msgspec.msgpack):
        assert encoder.decode(encoder.encode(value), type=call.payload_type) == value
