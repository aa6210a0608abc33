"""Which calls the single views of a member make, and what becomes of them."""

import datetime

import pytest

from gateway_clients.caching.keys import Subject
from gateway_clients.edge.input.parameters import Page
from gateway_clients.errors import UpstreamConnectionError
from members.aggregators import (
    DOCUMENTS,
    MEMBER_BENEFITS,
    MEMBER_COVERAGE,
    MEMBERS,
    PAYMENTS,
    eligibility,
    notification_list,
)
from tests.support.answering import AnsweringUpstreams
from tests.support.calls import gateway_for
from tests.upstream_answers import NOTIFICATION

PAGE = Page(limit=5, offset=10)


def test_payments_come_page_by_page(upstreams: AnsweringUpstreams) -> None:
    shown = PAYMENTS.page(gateway_for(), {"member_id": "m-1"}, page=PAGE).result()

    assert upstreams.targets == ["/payments?member_id=m-1&limit=5&offset=10"]
    assert ([payment.id for payment in shown.payments], shown.total, shown.limit, shown.offset) == (
        ["pay-1"],
        17,
        5,
        10,
    )
    assert shown.meta.sections["payments"].state == "fresh"


@pytest.mark.parametrize(("claim_id", "asked"), [(None, ""), ("clm-1", "claim_id=clm-1&")])
def test_documents_come_page_by_page_also_of_one_claim(
    claim_id: str | None, asked: str, upstreams: AnsweringUpstreams
) -> None:
    shown = DOCUMENTS.page(gateway_for(), {"member_id": "m-1", "claim_id": claim_id}, page=PAGE).result()

    assert upstreams.targets == [f"/documents?member_id=m-1&{asked}limit=5&offset=10"]
    assert ([document.id for document in shown.documents], shown.total) == (["d-1"], 17)


def test_notifications_of_a_member_and_of_a_provider(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["listNotifications"] = {"items": [NOTIFICATION, {"id": "n-2"}]}
    shown = notification_list(gateway_for(), Subject.member("m-1"), limit=5).result()

    assert ([one.id for one in shown.notifications], shown.limit) == (["n-1"], 5)
    assert shown.meta.sections["notifications"].omitted == 1

    upstreams.answers["listNotifications"] = {"items": []}
    notification_list(gateway_for(), Subject.provider("p-1"), limit=5).result()
    assert upstreams.targets == [
        "/notifications?member_id=m-1&limit=6",
        "/notifications?provider_id=p-1&limit=6",
    ]


def test_members_are_searched_page_by_page_and_never_kept(upstreams: AnsweringUpstreams) -> None:
    first, shown = (MEMBERS.page(gateway_for(), {"q": "siti"}, page=PAGE).result() for _ in range(2))

    assert upstreams.targets == ["/members?q=siti&limit=5&offset=10"] * 2
    assert first.items == shown.items
    assert ([member.name for member in shown.items], shown.total) == (["Siti Rahayu"], 1)


def test_eligibility_is_asked_and_never_kept(upstreams: AnsweringUpstreams) -> None:
    day = datetime.date(2026, 3, 1)

    for _ in range(2):
        shown = eligibility(gateway_for(), "m-1", provider_id="p-1", service_date=day).result()

        assert (shown.is_eligible, shown.coverage, shown.reason) == (True, "full", None)
    assert upstreams.operations == ["checkEligibility"] * 2


ALONE = pytest.mark.parametrize(
    ("spec", "name", "operation"),
    [
        (MEMBER_BENEFITS.view, "benefits", "listMemberBenefits"),
        (MEMBER_COVERAGE.view, "coverage", "getCoverage"),
    ],
)


@ALONE
def test_a_single_section_alone(spec, name: str, operation: str, upstreams: AnsweringUpstreams) -> None:
    assert list(gateway_for().view(spec, "m-1").sections()) == [name]
    assert upstreams.operations == [operation]


@ALONE
def test_a_single_section_whose_service_is_down_fails(
    spec, name: str, operation: str, upstreams: AnsweringUpstreams
) -> None:
    del upstreams.answers[operation]

    with pytest.raises(UpstreamConnectionError):
        gateway_for().view(spec, "m-1").sections()


@ALONE
def test_a_single_section_that_is_not_there_is_null(
    spec, name: str, operation: str, upstreams: AnsweringUpstreams
) -> None:
    upstreams.answers[operation] = 404

    absent = gateway_for().view(spec, "m-1").sections()

    assert (bytes(absent[name].value), absent[name].state) == (b"null", "fresh")
