"""The provider service."""

from typing import Final

from sandbox.messages import Answer, ProblemError, Question, json_answer, page_answer
from sandbox.services.finding import found
from sandbox.world.state import World

MOST_IDS: Final = 100


def search_providers(world: World, question: Question) -> Answer:
    """By name; `q` is a part of the name or the place, `ids` asks for just these."""
    rows = list(world.providers.values())
    if question.parameters["ids"] is not None:
        ids = set(question.parameters["ids"].split(","))
        if len(ids) > MOST_IDS:
            raise ProblemError(400, f"ids: {MOST_IDS} at most")
        rows = [row for row in rows if row["id"] in ids]
    wanted, is_active = (question.parameters["q"] or "").casefold(), question.parameters["is_active"]
    rows = [
        row
        for row in rows
        if is_active in (None, row["is_active"]) and wanted in f"{row['name']}\n{row['location']}".casefold()
    ]
    return page_answer(sorted(rows, key=lambda row: row["name"]), question)


def get_provider(world: World, question: Question) -> Answer:
    """One provider."""
    return json_answer(found(world.providers, question.parameters["provider_id"], "provider"))


OPERATIONS: Final = {"searchProviders": search_providers, "getProvider": get_provider}
