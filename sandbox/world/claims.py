"""Makes the claims of three years, each with the history of how it came to its status."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.messages import Row
from sandbox.world import names
from sandbox.world.plans import BENEFIT_BY_CODE, OFFERED

CLAIMS: Final = 6000
DAYS: Final = 3 * 365
INSURER_ZONE: Final = ZoneInfo("Asia/Jakarta")
#: What becomes of a claim: its weight, then each further status with the days (least, most) it takes to get there.
FATES: Final = (
    (78, (("processing", 0, 3), ("approved", 2, 8), ("paid", 1, 6))),
    (12, (("processing", 0, 3), ("rejected", 2, 9))),
    (6, (("cancelled", 0, 2),)),
    (3, (("processing", 0, 3), ("approved", 2, 8))),
    (1, (("processing", 0, 3),)),
)
#: Recent claims that m-1 has whatever the seed: days ago, and the number of a fate (None: only submitted).
FOR_THE_DEMO: Final = ((0, None), (1, None), (3, 4), (10, 3), (16, 1), (21, 0), (27, 2), (40, 0), (55, 1))
MORE_FOR_THE_DEMO: Final = 50
#: A hospital: where a claim is made when the provider that was drawn does nothing the member is covered for.
HOSPITAL: Final = "prov-1"


def make_claims(
    seed: int,
    today: date,
    *,
    members: Mapping[str, Row],
    coverages: Mapping[str, Row],
    benefits: Mapping[str, list[Row]],
    providers: Mapping[str, Row],
) -> list[Row]:
    """The claims, in the order they were submitted; ids and numbers follow that order."""
    rng = Random(f"{seed}:claims")
    member_ids, provider_ids = list(members), list(providers)
    weights = [5 if number < 5 else 2 for number in range(len(provider_ids))]
    drafts = []
    for index in range(CLAIMS):
        days_ago, fate = int(DAYS * rng.random() ** 1.2), rng.choices(range(len(FATES)), [fate[0] for fate in FATES])[0]
        member_id = "m-1"
        chosen_fate: int | None = fate
        if index < len(FOR_THE_DEMO):
            days_ago, chosen_fate = FOR_THE_DEMO[index]
        elif index >= len(FOR_THE_DEMO) + MORE_FOR_THE_DEMO:
            member_id = rng.choice(member_ids)
        expiry = coverages[member_id]["expiry_date"]
        service_date = today - timedelta(days=days_ago)
        if expiry is not None:
            service_date = min(service_date, date.fromisoformat(expiry))
        provider = providers[rng.choices(provider_ids, weights)[0]]
        offered = [row for row in benefits[member_id] if row["code"] in OFFERED[provider["type"]]]
        if not offered:
            provider, offered = providers[HOSPITAL], benefits[member_id]
        drafts.append(
            _claim(
                rng,
                member_id=member_id,
                provider=provider,
                benefits=offered,
                service_date=service_date,
                fate=chosen_fate,
                today=today,
                is_certain=index < len(FOR_THE_DEMO),
            )
        )
    drafts.sort(key=lambda claim: claim["submitted_at"])
    counts: dict[str, int] = {}
    for number, claim in enumerate(drafts, start=1):
        year = claim["submitted_at"][:4]
        counts[year] = counts.get(year, 0) + 1
        claim["id"] = f"clm-{number}"
        claim["claim_number"] = f"{year}-{counts[year]:06}"
    return drafts


def timestamp(moment: datetime) -> str:
    """A moment as the contracts write it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _claim(
    rng: Random,
    *,
    member_id: str,
    provider: Row,
    benefits: list[Row],
    service_date: date,
    fate: int | None,
    today: date,
    is_certain: bool,
) -> Row:
    """One claim. What its fate holds for after `today` has not happened yet, unless `is_certain`: then it was quick."""
    latest = datetime.combine(today, time(), INSURER_ZONE)
    evening = datetime.combine(service_date, time(8), INSURER_ZONE) + timedelta(minutes=rng.randint(60, 720))
    submitted = min(evening + timedelta(days=rng.choice((0, 0, 0, 1, 2, 5))), latest)
    items = [
        _item(rng, benefit) for benefit in rng.sample(benefits, min(len(benefits), rng.choice((1, 1, 1, 2, 2, 3))))
    ]
    total = sum(item["amount"] * item["quantity"] for item in items)
    history: list[Row] = [{"status": "submitted", "at": timestamp(submitted), "note": None}]
    claim: Row = {
        "id": "",
        "claim_number": "",
        "member_id": member_id,
        "status": "submitted",
        "service_date": service_date.isoformat(),
        "submitted_at": timestamp(submitted),
        "total_amount": total,
        "approved_amount": None,
        "rejection_reason": None,
        "provider": {"id": provider["id"], "name": provider["name"], "location": provider["location"]},
        "items": items,
        "history": history,
    }
    approved = min(total, round(total * rng.choice((1.0, 1.0, 0.9, 0.8)) / 1000) * 1000)
    reason = rng.choice(names.REJECTION_REASONS)
    moment = submitted
    for status, least, most in () if fate is None else FATES[fate][1]:
        moment += timedelta(days=rng.randint(least, most), minutes=rng.randint(20, 400))
        if moment > latest:
            if not is_certain:
                break
            moment = latest
        claim["status"] = status
        claim["approved_amount"] = approved if status in ("approved", "paid") else None
        claim["rejection_reason"] = reason if status == "rejected" else None
        history.append({"status": status, "at": timestamp(moment), "note": claim["rejection_reason"]})
    return claim


def _item(rng: Random, benefit: Row) -> Row:
    kind = BENEFIT_BY_CODE[benefit["code"]]
    amount = rng.randrange(kind.low_cost, kind.high_cost + 1, 5_000)
    quantity = rng.randint(1, 4) if kind.category in ("inpatient", "pharmacy") and kind.code != "SURG-MAJ" else 1
    return {"benefit_code": kind.code, "description": kind.name, "amount": amount, "quantity": quantity}
