"""Keeps what was written, under which idempotency key, and answers a repeat with the first result."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from sandbox.messages import Answer, ProblemError, Question


class Entry(msgspec.Struct, kw_only=True):
    """One write that was carried out, on the row `id`; `repeats` counts the times it was asked for again."""

    operation: str
    idempotency_key: str | None
    id: str | None
    body: dict[str, Any]
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    fingerprint: bytes
    answer: Answer
    entry: Entry


class Ledger:
    """The writes of one service. Used with the world's lock held."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._kept: dict[tuple[str, str], _Kept] = {}

    def earlier(self, question: Question) -> Answer | None:
        """The first result of this key; None when it is new. Raises ProblemError (409) for another request's."""
        kept = self._kept.get((question.operation, question.idempotency_key or ""))
        if kept is None:
            return None
        if kept.fingerprint != _fingerprint(question):
            raise ProblemError(409, "the Idempotency-Key was used for another request")
        kept.entry.repeats += 1
        return kept.answer

    def keep(self, question: Question, answer: Answer) -> None:
        """Writes down what was carried out."""
        made = msgspec.json.decode(answer.body) if answer.body else {}
        entry = Entry(
            operation=question.operation,
            idempotency_key=question.idempotency_key,
            id=made.get("id"),
            body={name: value for name, value in question.body.items() if name != "file"},
        )
        self.entries.append(entry)
        if question.idempotency_key is not None:
            self._kept[(question.operation, question.idempotency_key)] = _Kept(_fingerprint(question), answer, entry)


def _fingerprint(question: Question) -> bytes:
    file = question.file
    return msgspec.json.encode(
        [
            question.parameters,
            question.body,
            None if file is None else (file.name, file.content_type, sha256(file.content).hexdigest()),
        ],
        order="deterministic",
    )
