"""The world the services share: who and what there is, as it is now."""

import threading
from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any, Final

from sandbox.messages import Row
from sandbox.world import people
from sandbox.world.claims import INSURER_ZONE, make_claims, timestamp
from sandbox.world.notices import make_notifications, make_payments, member_notice, payment_of
from sandbox.world.papers import make_documents, pdf_of
from sandbox.world.shelf import Shelf

Clock = Callable[[], datetime]
#: Hears of a change at once: the type of the event, and its data.
Tell = Callable[[str, Row], None]
#: What is kept by id alone.
TABLES: Final = ("members", "coverages", "benefits", "providers", "claims")
IS_COVERED: Final = ("approved", "paid")


def newest_service_date_first(claim: Row) -> tuple[int, int]:
    """The order of claims: newest service date first, then the newest claim."""
    return (-date.fromisoformat(claim["service_date"]).toordinal(), -int(claim["id"].removeprefix("clm-")))


@dataclass(slots=True)
class World:
    """All rows, shaped as the contracts shape them. Whoever reads or changes them holds `lock`."""

    clock: Clock
    members: dict[str, Row]
    coverages: dict[str, Row]
    benefits: dict[str, list[Row]]
    providers: dict[str, Row]
    claims: dict[str, Row]
    payments: Shelf
    notifications: Shelf
    documents: Shelf
    contents: dict[str, bytes] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    #: Claims in the order they are listed: all of them, by member, by provider.
    listed: list[Row] = field(default_factory=list)
    listed_by_owner: dict[str, list[Row]] = field(default_factory=dict)
    tell: Tell = lambda _type, _data: None

    def __post_init__(self) -> None:
        self.listed = sorted(self.claims.values(), key=newest_service_date_first)
        for claim in self.listed:
            for owner in (claim["member_id"], claim["provider"]["id"]):
                self.listed_by_owner.setdefault(owner, []).append(claim)

    @property
    def collections(self) -> dict[str, Mapping[str, Any]]:
        """All data by the name of its kind, each by the id of whom or what it is about."""
        parts = {each.name: getattr(self, each.name) for each in fields(self)}
        shelves = {name: part.by_id for name, part in parts.items() if isinstance(part, Shelf)}
        return {name: parts[name] for name in TABLES} | shelves

    @property
    def today(self) -> date:
        """The day it is at the insurer."""
        return self.clock().astimezone(INSURER_ZONE).date()

    def now(self) -> str:
        """This moment, as the contracts write it."""
        return timestamp(self.clock())

    def add_claim(self, claim: Row) -> None:
        """Takes in a claim that has no id yet."""
        number = len(self.claims) + 1
        year = claim["submitted_at"][:4]
        this_year = sum(row["claim_number"].startswith(year) for row in self.claims.values()) + 1
        claim["id"] = f"clm-{number}"
        claim["claim_number"] = f"{year}-{this_year:06}"
        self.claims[claim["id"]] = claim
        insort(self.listed, claim, key=newest_service_date_first)
        for owner in (claim["member_id"], claim["provider"]["id"]):
            insort(self.listed_by_owner.setdefault(owner, []), claim, key=newest_service_date_first)
        self._tell_status(claim)

    def move_claim(self, claim: Row, status: str, note: str | None = None) -> None:
        """Brings a claim to another status, with all that follows from it."""
        at, was_covered = self.now(), claim["status"] in IS_COVERED
        claim["status"] = status
        claim["history"].append({"status": status, "at": at, "note": note})
        is_approved = status in IS_COVERED
        claim["approved_amount"] = (claim["approved_amount"] or claim["total_amount"]) if is_approved else None
        claim["rejection_reason"] = (note or "Documents incomplete") if status == "rejected" else None
        if status == "paid":
            self.payments.add(payment_of(claim, len(self.payments.by_id) + 1, at))
            self.tell("payment.updated", {"member_id": claim["member_id"]})
        self._tell_status(claim)
        if is_approved is not was_covered:
            self.tell("benefit.updated", {"member_id": claim["member_id"]})
        self.add_notification(member_notice(claim, status, at))

    def add_notification(self, row: Row) -> None:
        """Takes in a notification that has no id yet."""
        row["id"] = f"ntf-{len(self.notifications.by_id) + 1}"
        self.notifications.add(row)
        self.tell_of_notification(row)

    def tell_of_notification(self, row: Row) -> None:
        """Whoever it is to has a new one, or one that is read now."""
        owners = {name: row[name] for name in ("member_id", "provider_id") if row[name] is not None}
        self.tell("notification.created", owners)

    def _tell_status(self, claim: Row) -> None:
        data = {"claim_id": claim["id"], "member_id": claim["member_id"], "status": claim["status"]}
        self.tell("claim.status.changed", {**data, "provider_id": claim["provider"]["id"]})

    def used_amount(self, member_id: str, benefit: Row) -> int:
        """Rupiah used of a benefit this year: what was approved, at most the limit."""
        year = str(self.today.year)
        used = sum(
            item["amount"] * item["quantity"]
            for claim in self.listed_by_owner.get(member_id, ())
            if claim["status"] in ("approved", "paid") and claim["service_date"].startswith(year)
            for item in claim["items"]
            if item["benefit_code"] == benefit["code"]
        )
        return min(int(used), int(benefit["annual_limit"]))

    def content_of(self, document: Row) -> bytes:
        """The bytes of a document: as they were uploaded, or the PDF made for it."""
        kept = self.contents.get(document["id"])
        if kept is not None:
            return kept
        return pdf_of(document, self.claims[document["claim_id"]], self.members[document["member_id"]])


def make_world(seed: int, today: date | None = None) -> World:
    """The world of that seed on that day (None: this very day). The same seed and day make the same world.

    Its clock goes on from the real time of day on `today`.
    """
    real = datetime.now(UTC)
    real_today = real.astimezone(INSURER_ZONE).date()
    shift = (today or real_today) - real_today
    day = real_today + shift
    members = people.make_members(seed, day)
    coverages = people.make_coverages(seed, day, members)
    benefits = people.make_benefits(seed, members)
    providers = people.make_providers(seed)
    rows = make_claims(seed, day, members=members, coverages=coverages, benefits=benefits, providers=providers)
    claims = {claim["id"]: claim for claim in rows}

    def payment_owners(row: Row) -> tuple[str | None, ...]:
        return claims[row["claim_id"]]["member_id"], row["claim_id"]

    return World(
        clock=lambda: datetime.now(UTC) + shift,
        members=members,
        coverages=coverages,
        benefits=benefits,
        providers=providers,
        claims=claims,
        payments=Shelf(make_payments(seed, rows), payment_owners),
        notifications=Shelf(
            make_notifications(seed, day, rows, members), lambda row: (row["member_id"], row["provider_id"])
        ),
        documents=Shelf(make_documents(seed, rows, members), lambda row: (row["member_id"], row["claim_id"])),
    )
