"""The plans and the benefits they can hold."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan. `limit_factor` multiplies each benefit's limit; `copay_percent` stays with the member."""

    id: str
    name: str
    tier: str
    limit_factor: int
    copay_percent: int


@dataclass(frozen=True, slots=True)
class BenefitKind:
    """One benefit a plan may hold. Amounts are rupiah; the typical cost of one use lies between the two."""

    code: str
    name: str
    category: str
    base_limit: int
    low_cost: int
    high_cost: int


PLANS: Final = (
    Plan("plan-bronze", "Askes Bronze", "bronze", 1, 20),
    Plan("plan-silver", "Askes Silver", "silver", 2, 10),
    Plan("plan-gold", "Askes Gold", "gold", 4, 0),
    Plan("plan-platinum", "Askes Platinum", "platinum", 8, 0),
)
PLAN_BY_NAME: Final = {plan.name: plan for plan in PLANS}
BENEFIT_KINDS: Final = (
    BenefitKind("CONS-GP", "General practitioner consultation", "outpatient", 3_000_000, 100_000, 250_000),
    BenefitKind("CONS-SP", "Specialist consultation", "outpatient", 6_000_000, 200_000, 600_000),
    BenefitKind("LAB-BASIC", "Laboratory tests", "outpatient", 4_000_000, 150_000, 900_000),
    BenefitKind("IMG-XRAY", "X-ray and ultrasound", "outpatient", 4_000_000, 250_000, 1_200_000),
    BenefitKind("PHYSIO", "Physiotherapy", "outpatient", 3_000_000, 150_000, 400_000),
    BenefitKind("ROOM-STD", "Hospital room and board", "inpatient", 30_000_000, 500_000, 2_500_000),
    BenefitKind("SURG-MAJ", "Major surgery", "inpatient", 60_000_000, 8_000_000, 35_000_000),
    BenefitKind("ICU", "Intensive care", "inpatient", 50_000_000, 4_000_000, 15_000_000),
    BenefitKind("DENT-BASIC", "Basic dental care", "dental", 2_000_000, 150_000, 700_000),
    BenefitKind("DENT-CROWN", "Dental crowns", "dental", 4_000_000, 1_000_000, 2_500_000),
    BenefitKind("OPT-LENS", "Lenses and frames", "optical", 1_500_000, 300_000, 1_500_000),
    BenefitKind("MAT-DEL", "Delivery", "maternity", 15_000_000, 5_000_000, 15_000_000),
    BenefitKind("PHAR-GEN", "Generic medicine", "pharmacy", 4_000_000, 50_000, 400_000),
    BenefitKind("PHAR-BRAND", "Brand medicine", "pharmacy", 4_000_000, 150_000, 1_000_000),
)
BENEFIT_BY_CODE: Final = {kind.code: kind for kind in BENEFIT_KINDS}
#: What each type of provider does, by code.
OFFERED: Final = {
    "hospital": frozenset(BENEFIT_BY_CODE),
    "clinic": frozenset(
        {"CONS-GP", "CONS-SP", "LAB-BASIC", "PHYSIO", "DENT-BASIC", "DENT-CROWN", "OPT-LENS", "PHAR-GEN", "PHAR-BRAND"}
    ),
    "pharmacy": frozenset({"PHAR-GEN", "PHAR-BRAND"}),
    "laboratory": frozenset({"LAB-BASIC", "IMG-XRAY"}),
}
