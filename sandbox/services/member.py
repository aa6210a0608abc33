"""The member service."""

from typing import Final

from sandbox.messages import Answer, Question, Row, json_answer, page_answer
from sandbox.services.finding import found
from sandbox.world.state import World


def search_members(world: World, question: Question) -> Answer:
    """By last name; `q` is a part of a name, an e-mail address or a member number."""
    wanted, status = (question.parameters["q"] or "").casefold(), question.parameters["status"]
    rows = [row for row in world.members.values() if status in (None, row["status"]) and wanted in _searched(row)]
    return page_answer(sorted(rows, key=lambda row: (row["last_name"], row["first_name"], row["id"])), question)


def get_member(world: World, question: Question) -> Answer:
    """One member."""
    return json_answer(found(world.members, question.parameters["member_id"], "member"))


def update_contact(world: World, question: Question) -> Answer:
    """Changes the e-mail address, the phone, the address: those that are given."""
    member = found(world.members, question.parameters["member_id"], "member")
    member.update(question.body)
    world.tell("member.updated", {"member_id": member["id"]})
    return json_answer(member)


def _searched(row: Row) -> str:
    return f"{row['first_name']} {row['last_name']}\n{row['email']}\n{row['member_number']}".casefold()


OPERATIONS: Final = {
    "searchMembers": search_members,
    "getMember": get_member,
    "updateMemberContact": update_contact,
}
