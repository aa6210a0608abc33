"""Which calls the single views of a member make, and what becomes of them."""

import datetime

import pytest

from gateway_clients.caching.keys import Subject
from gateway_clients.edge.input.parameters import Page
from gateway_clients.errors import UpstreamConnectionError, UpstreamNotFoundError
from members.aggregators import (
    DOCUMENTS,
    MEMBER_BENEFITS,
    MEMBER_COVERAGE,
    MEMBERS,
    PAYMENTS,
    eligibility,
    notification_list,
)
from tests.support.answering import answering, gateway_without_cache
from tests.support.fake_gateway import FakeGateway
from tests.upstream_answers import NOTIFICATION, all_well

PAGE = Page(limit=5, offset=10)


def test_payments_come_page_by_page() -> None:
    with answering(all_well()) as targets:
        shown = PAYMENTS.page(gateway_without_cache(), {"member_id": "m-1"}, page=PAGE).result()

    assert targets == ["/payments?member_id=m-1&limit=5&offset=10"]
    assert ([payment.id for payment in shown.payments], shown.total, shown.limit, shown.offset) == (
        ["pay-1"],
        17,
        5,
        10,
    )
    assert shown.meta.sections["payments"].state == "fresh"


@pytest.mark.parametrize(("claim_id", "asked"), [(None, ""), ("clm-1", "claim_id=clm-1&")])
def test_documents_come_page_by_page_also_of_one_claim(claim_id: str | None, asked: str) -> None:
    with answering(all_well()) as targets:
        query = {"member_id": "m-1", "claim_id": claim_id}
        shown = DOCUMENTS.page(gateway_without_cache(), query, page=PAGE).result()

    assert targets == [f"/documents?member_id=m-1&{asked}limit=5&offset=10"]
    assert ([document.id for document in shown.documents], shown.total) == (["d-1"], 17)


def test_notifications_of_a_member_and_of_a_provider() -> None:
    told = {"items": [NOTIFICATION, {"id": "n-2"}]}
    shown = notification_list(FakeGateway({"listNotifications": told}), Subject.member("m-1"), limit=5).result()

    assert ([one.id for one in shown.notifications], shown.limit) == (["n-1"], 5)
    assert shown.meta.sections["notifications"].omitted == 1

    gateway = FakeGateway({"listNotifications": {"items": []}})
    notification_list(gateway, Subject.provider("p-1"), limit=5).result()
    assert [call.target for call in gateway.asked] == ["/notifications?provider_id=p-1&limit=6"]


def test_members_are_searched_page_by_page_and_never_kept() -> None:
    gateway = FakeGateway(all_well())

    shown = MEMBERS.page(gateway, {"q": "siti"}, page=PAGE).result()

    assert [(call.target, call.key) for call in gateway.asked] == [("/members?q=siti&limit=5&offset=10", None)]
    assert ([member.name for member in shown.items], shown.total) == (["Siti Rahayu"], 1)


def test_eligibility_is_asked_and_never_kept() -> None:
    gateway = FakeGateway(all_well())

    shown = eligibility(gateway, "m-1", provider_id="p-1", service_date=datetime.date(2026, 3, 1)).result()

    assert (shown.is_eligible, shown.coverage, shown.reason) == (True, "full", None)
    assert [call.key for call in gateway.asked] == [None]


@pytest.mark.parametrize(("spec", "name"), [(MEMBER_BENEFITS.view, "benefits"), (MEMBER_COVERAGE.view, "coverage")])
def test_a_single_section_alone(spec, name: str) -> None:
    assert list(FakeGateway(all_well()).view(spec, "m-1").sections()) == [name]
    with pytest.raises(UpstreamConnectionError):
        FakeGateway({}).view(spec, "m-1").sections()

    operation = "listMemberBenefits" if name == "benefits" else "getCoverage"
    absent = FakeGateway({operation: UpstreamNotFoundError(name, upstream_status=404)}).view(spec, "m-1").sections()
    assert (bytes(absent[name].value), absent[name].state) == (b"null", "fresh")
