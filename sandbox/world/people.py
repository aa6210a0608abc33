"""Makes the members, their coverage and their benefits, and the providers."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Final

from sandbox.messages import Row
from sandbox.world import names
from sandbox.world.plans import BENEFIT_KINDS, PLAN_BY_NAME, PLANS

MEMBERS: Final = 300
PROVIDERS: Final = 40
#: The first members and providers are the ones the demo accounts belong to: always active.
ALWAYS_ACTIVE: Final = 10


def make_members(seed: int, today: date) -> dict[str, Row]:
    """The members by id, `m-1` first: Siti Rahayu on Askes Gold."""
    rng = Random(f"{seed}:members")
    members = {}
    for number in range(1, MEMBERS + 1):
        row = _member(rng, number, today)
        members[row["id"]] = row
    gold = PLAN_BY_NAME["Askes Gold"]
    members["m-1"] |= {
        "first_name": "Siti",
        "last_name": "Rahayu",
        "email": "siti.rahayu@example.com",
        "enrollment_date": min(date(2019, 3, 1), today - timedelta(days=4 * 365)).isoformat(),
        "plan": {"id": gold.id, "name": gold.name, "tier": gold.tier},
    }
    return members


def make_coverages(seed: int, today: date, members: Mapping[str, Row]) -> dict[str, Row]:
    """Each member's coverage, by member id; some are in their grace period, suspended or expired."""
    rng = Random(f"{seed}:coverages")
    coverages = {}
    for number, (member_id, member) in enumerate(members.items(), start=1):
        status = "active"
        if number > ALWAYS_ACTIVE:
            status = rng.choices(("active", "grace_period", "suspended", "expired"), (85, 5, 4, 6))[0]
        expiry = {
            "active": None if rng.random() < 0.3 else today + timedelta(days=rng.randint(30, 360)),
            "grace_period": today - timedelta(days=rng.randint(1, 25)),
            "suspended": today + timedelta(days=rng.randint(30, 360)),
            "expired": today - timedelta(days=rng.randint(40, 300)),
        }[status]
        coverages[member_id] = {
            "status": status,
            "policy_number": f"POL-{700000 + number}",
            "plan_name": member["plan"]["name"],
            "effective_date": member["enrollment_date"],
            "expiry_date": None if expiry is None else expiry.isoformat(),
        }
    return coverages


def make_benefits(seed: int, members: Mapping[str, Row]) -> dict[str, list[Row]]:
    """Each member's 8 to 12 benefits, by member id. What was used is not among them: it follows from the claims."""
    rng = Random(f"{seed}:benefits")
    benefits = {}
    for member_id, member in members.items():
        factor = PLAN_BY_NAME[member["plan"]["name"]].limit_factor
        chosen = {0, *rng.sample(range(1, len(BENEFIT_KINDS)), rng.randint(7, 11))}
        kinds = [BENEFIT_KINDS[index] for index in sorted(chosen)]
        benefits[member_id] = [
            {"code": kind.code, "name": kind.name, "category": kind.category, "annual_limit": kind.base_limit * factor}
            for kind in kinds
        ]
    return benefits


def make_providers(seed: int) -> dict[str, Row]:
    """The providers by id, two in each city; every seventh after the first ten is not active."""
    rng = Random(f"{seed}:providers")
    providers = {}
    for index in range(PROVIDERS):
        kind, title = names.PROVIDER_KINDS[(index + index // len(names.CITIES)) % len(names.PROVIDER_KINDS)]
        city, province = names.CITIES[index % len(names.CITIES)]
        provider_id = f"prov-{index + 1}"
        providers[provider_id] = {
            "id": provider_id,
            "name": f"{title} {names.PROVIDER_NAMES[index % len(names.PROVIDER_NAMES)]} {city}",
            "type": kind,
            "location": f"{city}, {province}",
            "address": _address(rng, city),
            "phone": f"+62 000 7000 {index + 1:04}",
            "is_active": index + 1 <= ALWAYS_ACTIVE or (index + 1) % 7 != 0,
            "network_tier": rng.choice(names.NETWORK_TIERS),
        }
    return providers


def _member(rng: Random, number: int, today: date) -> Row:
    first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
    plan = rng.choices(PLANS, (30, 35, 25, 10))[0]
    status = "active" if number <= ALWAYS_ACTIVE else rng.choices(("active", "suspended", "terminated"), (94, 3, 3))[0]
    domain = rng.choice(("example.com", "example.id"))
    row: Row = {
        "id": f"m-{number}",
        "member_number": f"{88000000 + number * 37}",
        "first_name": first,
        "last_name": last,
        "date_of_birth": (today - timedelta(days=rng.randint(19 * 365, 75 * 365))).isoformat(),
        "email": f"{first}.{last}{number}@{domain}".lower(),
        "phone": f"+62 000 0000 {number:04}",
        "address": _address(rng, rng.choice(names.CITIES)[0]),
        "status": status,
        "enrollment_date": (today - timedelta(days=rng.randint(3 * 365 + 30, 11 * 365))).isoformat(),
        "plan": {"id": plan.id, "name": plan.name, "tier": plan.tier},
        "dependents": [],
    }
    for place in range(rng.choices((0, 1, 2, 3), (50, 20, 20, 10))[0]):
        row["dependents"].append(
            {
                "id": f"m-{number}-d{place + 1}",
                "first_name": rng.choice(names.FIRST_NAMES),
                "last_name": last,
                "relationship": names.RELATIONSHIPS[place],
            }
        )
    return row


def _address(rng: Random, city: str) -> str:
    return f"Jl. {rng.choice(names.STREETS)} No. {rng.randint(1, 199)}, {city}"
