"""The benefit service."""

from typing import Final

from sandbox.messages import Answer, Question, Row, json_answer
from sandbox.services.finding import found
from sandbox.world.plans import PLAN_BY_NAME
from sandbox.world.state import World


def list_benefits(world: World, question: Question) -> Answer:
    """This year's limits, and what was used of them."""
    member_id = question.parameters["member_id"]
    benefits = found(world.benefits, member_id, "member")
    year = world.today.year
    return json_answer(
        {
            "period_start": f"{year}-01-01",
            "period_end": f"{year}-12-31",
            "items": [{**benefit, "used_amount": world.used_amount(member_id, benefit)} for benefit in benefits],
        }
    )


def validate_benefit(world: World, question: Question) -> Answer:
    """Whether the plan covers it, and how much: what is left of the limit, less the member's own share."""
    body = question.body
    member = found(world.members, body["member_id"], "member")
    benefit = next((row for row in world.benefits[member["id"]] if row["code"] == body["benefit_code"]), None)
    if benefit is None:
        return json_answer(_verdict(body["benefit_code"], 0, 0, "The plan does not hold this benefit"))
    left = benefit["annual_limit"] - world.used_amount(member["id"], benefit)
    if left <= 0:
        return json_answer(_verdict(benefit["code"], 0, 0, "The annual limit is used up"))
    cost = min(body["amount"] * body.get("quantity", 1), left)
    copay = cost * PLAN_BY_NAME[member["plan"]["name"]].copay_percent // 100
    return json_answer(_verdict(benefit["code"], cost - copay, copay, None))


def _verdict(code: str, coverage_amount: int, copay_amount: int, reason: str | None) -> Row:
    return {
        "benefit_code": code,
        "is_covered": reason is None,
        "coverage_amount": coverage_amount,
        "copay_amount": copay_amount,
        "reason": reason,
    }


OPERATIONS: Final = {"listMemberBenefits": list_benefits, "validateBenefit": validate_benefit}
