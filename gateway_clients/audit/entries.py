"""One row of the audit trail as a value."""

from enum import StrEnum
from typing import Final

import msgspec

#: Characters that a column takes.
ID_LENGTH: Final = 64
LIST_LENGTH: Final = 255
REASON_LENGTH: Final = 300


class Outcome(StrEnum):
    """How a look at a member's data ended."""

    SHOWN = "shown"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    UNAUTHENTICATED = "unauthenticated"


class AuditRow(msgspec.Struct, kw_only=True):
    """Who looked at what of whom. `at`: microseconds since 1970, set by the recorder.

    `sections` and `origins` are comma-separated; one origin stands for those of all sections.
    """

    action: str
    outcome: str
    account_id: str = ""
    role: str = ""
    member_id: str = ""
    sections: str = ""
    origins: str = ""
    count: int = 1
    request_id: str = ""
    reason: str = ""
    at: int = 0

    def fit(self) -> None:
        """Cuts what others chose to what the columns take; of what cannot be read a question mark is left."""
        self.account_id, self.member_id = clean(self.account_id, ID_LENGTH), clean(self.member_id, ID_LENGTH)
        self.request_id, self.action = clean(self.request_id, ID_LENGTH), clean(self.action, ID_LENGTH)
        self.sections, self.origins = self.sections[:LIST_LENGTH], self.origins[:LIST_LENGTH]
        if self.reason:
            self.reason = clean(self.reason, REASON_LENGTH)


def clean(text: str, length: int) -> str:
    """The text, printable and no longer than this."""
    if len(text) <= length and text.isprintable():
        return text
    return "".join(each if each.isprintable() else "?" for each in text[:length])
