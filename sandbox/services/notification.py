"""The notification service."""

from typing import Final

from sandbox.messages import Answer, ProblemError, Question, json_answer
from sandbox.services.finding import found
from sandbox.world.notices import member_notice
from sandbox.world.state import World


def list_notifications(world: World, question: Question) -> Answer:
    """The notifications of a member or a provider, newest first."""
    asked = question.parameters
    rows = world.notifications.newest(asked["member_id"], asked["provider_id"])
    if asked["unread"] is not None:
        rows = [row for row in rows if row["is_read"] is not asked["unread"]]
    return json_answer({"items": rows[: asked["limit"]]})


def send_notification(world: World, question: Question) -> Answer:
    """Takes it; where it is about a known claim, the claim's member finds it in their list."""
    claim = world.claims.get(question.body.get("claim_id", ""))
    if claim is not None:
        status = question.body["type"].removeprefix("claim_")
        known = status if status in {step["status"] for step in claim["history"]} else claim["status"]
        world.add_notification(member_notice(claim, known, world.now()))
    return Answer(202)


def mark_read(world: World, question: Question) -> Answer:
    """Marks it as read; 404 where it is somebody else's."""
    asked = question.parameters
    row = found(world.notifications.by_id, asked["notification_id"], "notification")
    owners = {name: asked[name] for name in ("member_id", "provider_id") if asked[name] is not None}
    if any(row[name] != owner for name, owner in owners.items()):
        raise ProblemError(404, "there is no such notification")
    row["is_read"] = True
    world.tell_of_notification(row)
    return json_answer(row)


OPERATIONS: Final = {
    "listNotifications": list_notifications,
    "sendNotification": send_notification,
    "markNotificationRead": mark_read,
}
