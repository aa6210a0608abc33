"""The policy service: coverage, and who is eligible."""

from datetime import date
from typing import Final

from sandbox.messages import Answer, Question, json_answer
from sandbox.services.finding import found
from sandbox.world.state import World


def get_coverage(world: World, question: Question) -> Answer:
    """The member's coverage today."""
    return json_answer(found(world.coverages, question.parameters["member_id"], "member"))


def check_eligibility(world: World, question: Question) -> Answer:
    """Whether the member's coverage holds for that day, and why not. Providers are none of this service's business,
    except that one of a lower tier is covered in part."""
    member_id = found(world.members, question.body["member_id"], "member")["id"]
    reason = refusal(world, member_id, date.fromisoformat(question.body["service_date"]))
    provider = world.providers.get(question.body["provider_id"], {})
    coverage = "partial" if provider.get("network_tier") == "silver" else "full"
    return json_answer(
        {
            "is_eligible": reason is None,
            "reason": reason,
            "coverage": coverage if reason is None else "none",
            "checked_at": world.now(),
        }
    )


def refusal(world: World, member_id: str, service_date: date) -> str | None:
    """Why the member is not eligible on that day; None when they are."""
    coverage, member = world.coverages[member_id], world.members[member_id]
    expiry = coverage["expiry_date"]
    rules = (
        (member["status"] == "terminated", "Membership is terminated"),
        (member["status"] == "suspended", "Membership is suspended"),
        (coverage["status"] == "suspended", "Coverage is suspended"),
        (coverage["status"] == "expired", f"Coverage expired on {expiry}"),
        (service_date > world.today, "Service date is in the future"),
        (service_date.isoformat() < coverage["effective_date"], f"Coverage began on {coverage['effective_date']}"),
    )
    return next((reason for is_broken, reason in rules if is_broken), None)


OPERATIONS: Final = {"getCoverage": get_coverage, "checkEligibility": check_eligibility}
