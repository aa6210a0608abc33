"""What portals see of a claim, field by field."""

import datetime

import msgspec
import pytest

from claims.transformers import (
    ACTIONS,
    COLORS,
    to_claim_detail,
    to_claim_summary,
    to_claims_summary,
    to_provider,
    to_recent_claims,
)
from claims.view_models import ClaimAction, ClaimStatus
from gateway_clients.edge.output import format_rupiah
from gateway_clients.runtime.languages import Language, current_language
from gateway_clients.services.claims import (
    ClaimEventPayload,
    ClaimItemPayload,
    ClaimPayload,
    ClaimProviderPayload,
    ClaimsSummaryPayload,
    StatusSumPayload,
)
from gateway_clients.services.payload_parser import Page
from gateway_clients.services.provider import ProviderPayload

BARE = ClaimPayload(
    id="clm-1",
    claim_number="2026-000001",
    member_id="m-1",
    status="submitted",
    service_date=datetime.date(2026, 3, 1),
    total_amount=500000,
)
SHOWN_BARE = {
    "id": "clm-1",
    "member_id": "m-1",
    "provider_id": None,
    "claim_number": "2026-000001",
    "display_number": "CLM-2026-000001",
    "status": "submitted",
    "status_color": "blue",
    "amount": 500000,
    "formatted_amount": "Rp 500,000",
    "service_date": "2026-03-01",
    "provider_name": None,
}


def with_(**changes: object) -> ClaimPayload:
    return msgspec.structs.replace(BARE, **changes)


def at(day: int) -> datetime.datetime:
    return datetime.datetime(2026, 3, day, 1, 2, 3, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("claim", "changed"),
    [
        (BARE, {}),
        (with_(status="processing"), {"status": "processing", "status_color": "orange"}),
        (with_(status="approved"), {"status": "approved", "status_color": "green"}),
        (with_(status="rejected"), {"status": "rejected", "status_color": "red"}),
        (with_(status="paid"), {"status": "paid", "status_color": "green"}),
        (with_(status="cancelled"), {"status": "cancelled", "status_color": "gray"}),
        (with_(status="frozen"), {"status": "unknown", "status_color": "gray"}),
        (with_(status=""), {"status": "unknown", "status_color": "gray"}),
        (with_(status="PAID"), {"status": "unknown", "status_color": "gray"}),
        (with_(total_amount=0), {"amount": 0, "formatted_amount": "Rp 0"}),
        (with_(total_amount=10**12), {"amount": 10**12, "formatted_amount": "Rp 1,000,000,000,000"}),
        (with_(provider=ClaimProviderPayload()), {}),
        (
            with_(provider=ClaimProviderPayload(id="p-1", name="RS Sehat")),
            {"provider_id": "p-1", "provider_name": "RS Sehat"},
        ),
    ],
)
def test_a_claim_in_a_list(claim: ClaimPayload, changed: dict[str, object]) -> None:
    shown = msgspec.to_builtins(to_claim_summary(claim))

    assert shown == SHOWN_BARE | changed
    assert list(shown) == list(SHOWN_BARE)


def test_a_claim_of_which_little_is_known() -> None:
    assert msgspec.to_builtins(to_claim_detail(BARE, may=())) == SHOWN_BARE | {
        "approved_amount": None,
        "formatted_approved_amount": None,
        "rejection_reason": None,
        "submitted_at": None,
        "provider": None,
        "items": (),
        "timeline": (),
        "actions": (),
    }


def test_a_claim_of_which_all_is_known() -> None:
    claim = with_(
        status="rejected",
        approved_amount=0,
        rejection_reason="not covered",
        submitted_at=at(1),
        provider=ClaimProviderPayload(id="p-1", name="RS Sehat", location="Bandung, Jawa Barat"),
        items=(ClaimItemPayload(benefit_code="CONS-GP", amount=500000, quantity=2),),
        history=(
            ClaimEventPayload(status="rejected", at=at(3), note="see letter"),
            ClaimEventPayload(status="submitted", at=at(1)),
            ClaimEventPayload(status="audited", at=at(2)),
        ),
    )

    assert msgspec.to_builtins(to_claim_detail(claim, may=ClaimAction)) == SHOWN_BARE | {
        "provider_id": "p-1",
        "provider_name": "RS Sehat",
        "status": "rejected",
        "status_color": "red",
        "approved_amount": 0,
        "formatted_approved_amount": "Rp 0",
        "rejection_reason": "not covered",
        "submitted_at": "2026-03-01T01:02:03Z",
        "provider": {"id": "p-1", "name": "RS Sehat", "location": "Bandung, Jawa Barat"},
        "items": (
            {
                "benefit_code": "CONS-GP",
                "description": None,
                "amount": 500000,
                "formatted_amount": "Rp 500,000",
                "quantity": 2,
            },
        ),
        "timeline": (
            {"status": "submitted", "status_color": "blue", "at": "2026-03-01T01:02:03Z", "note": None},
            {"status": "unknown", "status_color": "gray", "at": "2026-03-02T01:02:03Z", "note": None},
            {"status": "rejected", "status_color": "red", "at": "2026-03-03T01:02:03Z", "note": "see letter"},
        ),
        "actions": ("appeal",),
    }


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        ("submitted", ("cancel", "upload_document")),
        ("processing", ("upload_document",)),
        ("approved", ()),
        ("rejected", ("appeal",)),
        ("paid", ("download_eob",)),
        ("cancelled", ()),
        ("frozen", ()),
    ],
)
def test_actions_are_those_the_status_allows_and_the_reader_may_do(status: str, actions: tuple[str, ...]) -> None:
    assert to_claim_detail(with_(status=status), may=ClaimAction).actions == actions
    assert to_claim_detail(with_(status=status), may=()).actions == ()


def test_every_status_has_its_color_and_its_actions() -> None:
    assert set(COLORS) == set(ACTIONS) == set(ClaimStatus)


def test_recent_claims_are_the_five_newest_newest_first() -> None:
    days = [3, 9, 1, 7, 5, 8, 2]
    page = Page(tuple(with_(id=f"clm-{day}", service_date=datetime.date(2026, 3, day)) for day in days), 7)

    assert [claim.id for claim in to_recent_claims(page)] == ["clm-9", "clm-8", "clm-7", "clm-5", "clm-3"]


def test_claims_are_summed_by_status_and_unknown_ones_are_one_row() -> None:
    summary = ClaimsSummaryPayload(
        total=10,
        by_status=(
            StatusSumPayload(status="frozen", count=1, total_amount=1),
            StatusSumPayload(status="paid", count=4, total_amount=4000),
            StatusSumPayload(status="lost", count=2, total_amount=20),
            StatusSumPayload(status="submitted", count=3, total_amount=300),
        ),
    )

    def row(status: str, color: str, count: int, amount: int, text: str) -> dict[str, object]:
        return {
            "status": status,
            "status_color": color,
            "count": count,
            "total_amount": amount,
            "formatted_total_amount": text,
        }

    assert msgspec.to_builtins(to_claims_summary(summary)) == {
        "total": 10,
        "by_status": (
            row("submitted", "blue", 3, 300, "Rp 300"),
            row("paid", "green", 4, 4000, "Rp 4,000"),
            row("unknown", "gray", 3, 21, "Rp 21"),
        ),
    }
    assert msgspec.to_builtins(to_claims_summary(ClaimsSummaryPayload(total=0, by_status=()))) == {
        "total": 0,
        "by_status": (),
    }


@pytest.mark.parametrize(
    ("type_", "shown"), [("hospital", "hospital"), ("laboratory", "laboratory"), ("spa", "unknown"), (None, None)]
)
def test_a_provider(type_: str | None, shown: str | None) -> None:
    payload = ProviderPayload(id="p-1", name="RS Sehat", is_active=False, type=type_, network_tier="A")

    assert msgspec.to_builtins(to_provider(payload)) == {
        "id": "p-1",
        "name": "RS Sehat",
        "type": shown,
        "location": None,
        "address": None,
        "phone": None,
        "is_active": False,
        "network_tier": "A",
    }


@pytest.mark.parametrize(("amount", "text"), [(0, "Rp 0"), (999, "Rp 999"), (1000, "Rp 1,000"), (-500, "Rp -500")])
def test_rupiah_for_people(amount: int, text: str) -> None:
    assert format_rupiah(amount) == text


@pytest.mark.parametrize(("amount", "text"), [(0, "Rp 0"), (1140000, "Rp 1.140.000"), (-5000, "Rp -5.000")])
def test_rupiah_for_people_who_read_indonesian(amount: int, text: str) -> None:
    token = current_language.set(Language.INDONESIAN)
    try:
        assert format_rupiah(amount) == text
    finally:
        current_language.reset(token)
