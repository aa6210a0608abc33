"""What portals see of a member, field by field."""

import datetime

import msgspec
import pytest

from gateway_clients.services.benefit import BenefitPayload, BenefitsPayload
from gateway_clients.services.document import DocumentPayload
from gateway_clients.services.member import MemberPayload, PlanPayload
from gateway_clients.services.notification import NotificationPayload
from gateway_clients.services.payload_parser import Page
from gateway_clients.services.payment import PaymentPayload
from gateway_clients.services.policy import CoveragePayload, EligibilityPayload
from members.aggregators import DOCUMENTS, PAYMENTS
from members.transformers import insured as transformers
from members.transformers.insured import (
    to_benefit_item,
    to_benefits,
    to_benefits_summary,
    to_coverage,
    to_eligibility,
    to_personal,
)

BARE = MemberPayload(
    id="m-1", first_name="Siti", last_name="Rahayu", status="active", enrollment_date=datetime.date(2019, 3, 1)
)


def at(day: int) -> datetime.datetime:
    return datetime.datetime(2026, 3, day, tzinfo=datetime.UTC)


def test_a_member_of_whom_little_is_known() -> None:
    assert msgspec.to_builtins(to_personal(BARE)) == {
        "id": "m-1",
        "member_number": None,
        "first_name": "Siti",
        "last_name": "Rahayu",
        "name": "Siti Rahayu",
        "date_of_birth": None,
        "email": None,
        "phone": None,
        "address": None,
        "status": "active",
        "member_since": "2019-03-01",
        "plan": None,
    }


def test_a_member_of_whom_all_is_known() -> None:
    member = msgspec.structs.replace(
        BARE,
        member_number="0001",
        date_of_birth=datetime.date(1990, 1, 2),
        email="siti@example.org",
        phone="+62 21 555",
        address="Jalan Satu 1",
        status="retired",
        plan=PlanPayload(id="pl-1", name="Askes Gold"),
    )

    assert msgspec.to_builtins(to_personal(member)) == {
        "id": "m-1",
        "member_number": "0001",
        "first_name": "Siti",
        "last_name": "Rahayu",
        "name": "Siti Rahayu",
        "date_of_birth": "1990-01-02",
        "email": "siti@example.org",
        "phone": "+62 21 555",
        "address": "Jalan Satu 1",
        "status": "unknown",
        "member_since": "2019-03-01",
        "plan": {"id": "pl-1", "name": "Askes Gold", "tier": None},
    }


@pytest.mark.parametrize(
    ("first", "last", "name"), [("Siti", "Rahayu", "Siti Rahayu"), ("Sukarno", "", "Sukarno"), ("", "Rahayu", "Rahayu")]
)
def test_a_name_is_first_name_space_last_name(first: str, last: str, name: str) -> None:
    assert to_personal(msgspec.structs.replace(BARE, first_name=first, last_name=last)).name == name


def a_benefit(code: str, limit: int, used: int, category: str | None) -> BenefitPayload:
    return BenefitPayload(code=code, name=code.title(), annual_limit=limit, used_amount=used, category=category)


@pytest.mark.parametrize(
    ("limit", "used", "remaining", "percent"),
    [(1000, 0, 1000, 0), (1000, 250, 750, 25), (3, 2, 1, 66), (1000, 999, 1, 99), (1000, 1000, 0, 100),
     (1000, 1500, 0, 150), (0, 0, 0, 0), (0, 5, 0, 0)],
)  # fmt: skip
def test_how_much_of_a_benefit_is_left(limit: int, used: int, remaining: int, percent: int) -> None:
    item = to_benefit_item(a_benefit("A", limit, used, "dental"))

    assert (item.remaining_amount, item.used_percent) == (remaining, percent)


@pytest.mark.parametrize(("sent", "shown"), [("dental", "dental"), ("alternative", "unknown"), (None, "unknown")])
def test_the_category_of_a_benefit(sent: str | None, shown: str) -> None:
    assert to_benefit_item(a_benefit("A", 1, 0, sent)).category == shown


def test_benefits_one_by_one() -> None:
    benefits = BenefitsPayload(
        items=(a_benefit("A", 1000, 250, "dental"), a_benefit("B", 100, 150, None)),
        period_start=datetime.date(2026, 1, 1),
    )

    assert msgspec.to_builtins(to_benefits_summary(benefits)) == {
        "period_start": "2026-01-01",
        "period_end": None,
        "total_limit": 1100, "formatted_total_limit": "Rp 1,100",
        "total_used": 400, "formatted_total_used": "Rp 400",
        "total_remaining": 750, "formatted_total_remaining": "Rp 750",
        "items": (
            {"code": "A", "name": "A", "category": "dental",
             "annual_limit": 1000, "formatted_annual_limit": "Rp 1,000",
             "used_amount": 250, "formatted_used_amount": "Rp 250",
             "remaining_amount": 750, "formatted_remaining_amount": "Rp 750", "used_percent": 25},
            {"code": "B", "name": "B", "category": "unknown",
             "annual_limit": 100, "formatted_annual_limit": "Rp 100",
             "used_amount": 150, "formatted_used_amount": "Rp 150",
             "remaining_amount": 0, "formatted_remaining_amount": "Rp 0", "used_percent": 150},
        ),
    }  # fmt: skip
    assert msgspec.to_builtins(to_benefits_summary(BenefitsPayload(items=()))) == {
        "period_start": None,
        "period_end": None,
        "total_limit": 0,
        "formatted_total_limit": "Rp 0",
        "total_used": 0,
        "formatted_total_used": "Rp 0",
        "total_remaining": 0,
        "formatted_total_remaining": "Rp 0",
        "items": (),
    }


def test_benefits_by_category_those_of_no_known_one_last() -> None:
    benefits = BenefitsPayload(
        items=(
            a_benefit("X", 10, 1, "alternative"),
            a_benefit("A", 1000, 250, "dental"),
            a_benefit("B", 100, 10, "outpatient"),
            a_benefit("C", 500, 0, "dental"),
        )
    )

    shown = to_benefits(benefits)

    assert (shown.total_limit, shown.total_used, shown.total_remaining) == (1610, 261, 1349)
    assert [
        (
            group.category,
            group.total_limit,
            group.total_used,
            group.total_remaining,
            [item.code for item in group.items],
        )
        for group in shown.categories
    ] == [
        ("outpatient", 100, 10, 90, ["B"]),
        ("dental", 1500, 250, 1250, ["A", "C"]),
        ("unknown", 10, 1, 9, ["X"]),
    ]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("active", "active"), ("grace_period", "grace_period"), ("expired", "expired"), ("paused", "unknown")],
)
def test_coverage(sent: str, shown: str) -> None:
    coverage = CoveragePayload(status=sent, policy_number="POL-1", effective_date=datetime.date(2026, 1, 1))

    assert msgspec.to_builtins(to_coverage(coverage)) == {
        "status": shown,
        "policy_number": "POL-1",
        "plan_name": None,
        "effective_date": "2026-01-01",
        "expiry_date": None,
    }


@pytest.mark.parametrize(
    ("sent", "shown"), [("partial", "partial"), ("none", "none"), ("some", "unknown"), (None, None)]
)
def test_eligibility(sent: str | None, shown: str | None) -> None:
    answer = EligibilityPayload(is_eligible=False, reason="suspended", coverage=sent, checked_at=at(1))

    assert msgspec.to_builtins(to_eligibility(answer)) == {
        "is_eligible": False,
        "reason": "suspended",
        "coverage": shown,
        "checked_at": "2026-03-01T00:00:00Z",
    }


def test_notifications_are_shown_newest_first_and_at_most_five_in_a_view() -> None:
    page = Page(
        tuple(
            NotificationPayload(id=f"n-{day}", type="t", title="T", created_at=at(day), is_read=day == 1)
            for day in (1, 6, 3, 5, 2, 4)
        )
    )

    assert [told.id for told in transformers.to_notifications(page)] == ["n-6", "n-5", "n-4", "n-3", "n-2", "n-1"]
    assert [told.id for told in transformers.to_newest_notifications(page)] == ["n-6", "n-5", "n-4", "n-3", "n-2"]
    assert msgspec.to_builtins(transformers.to_notifications(page)[-1]) == {
        "id": "n-1",
        "type": "t",
        "title": "T",
        "body": None,
        "created_at": "2026-03-01T00:00:00Z",
        "is_read": True,
        "claim_id": None,
    }


@pytest.mark.parametrize(("sent", "shown"), [("scheduled", "scheduled"), ("failed", "failed"), ("bounced", "unknown")])
def test_a_payment(sent: str, shown: str) -> None:
    page = Page((PaymentPayload(id="pay-1", claim_id="c-1", amount=1500, status=sent),) * 6, 6)

    assert len(PAYMENTS.shown(page)) == 6
    assert len(PAYMENTS.section("member_id").transform(page)) == 5
    assert msgspec.to_builtins(PAYMENTS.shown(page)[0]) == {
        "id": "pay-1",
        "claim_id": "c-1",
        "amount": 1500,
        "formatted_amount": "Rp 1,500",
        "status": shown,
        "paid_at": None,
        "method": None,
    }


def test_documents_are_shown_newest_first_and_at_most_five_in_a_view() -> None:
    page = Page(
        tuple(
            DocumentPayload(
                id=f"d-{day}",
                member_id="m-1",
                name="a.pdf",
                content_type="application/pdf",
                size_bytes=9,
                uploaded_at=at(day),
            )
            for day in (1, 6, 3, 5, 2, 4)
        ),
        6,
    )

    assert [document.id for document in DOCUMENTS.shown(page)] == ["d-6", "d-5", "d-4", "d-3", "d-2", "d-1"]
    assert len(DOCUMENTS.section("member_id").transform(page)) == 5
    assert msgspec.to_builtins(DOCUMENTS.shown(page)[-1]) == {
        "id": "d-1",
        "claim_id": None,
        "name": "a.pdf",
        "kind": None,
        "content_type": "application/pdf",
        "size_bytes": 9,
        "uploaded_at": "2026-03-01T00:00:00Z",
        "content_url": "/api/v1/members/m-1/documents/d-1/content",
    }


@pytest.mark.parametrize("name", ["../m-2", "d/1", "", "d" * 65, "dokumén"])
def test_a_document_whose_name_is_no_id_has_no_address(name: str) -> None:
    document = DocumentPayload(
        id=name, member_id="m-1", name="a.pdf", content_type="application/pdf", size_bytes=9, uploaded_at=at(1)
    )

    assert [shown.content_url for shown in DOCUMENTS.shown(Page((document,), 1))] == [None]
