"""Tries that were denied, folded: equal ones within a moment are one row with a count, however many there are."""

from typing import Final

from gateway_clients.audit.entries import AuditRow

#: So many different tries have rows of their own in a moment; what else was tried then is counted by how it ended.
MOST_KINDS: Final = 64

_Kind = tuple[str, str, str, str, str]


class FoldedDenials:
    """The tries of a moment. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._rows: dict[_Kind, AuditRow] = {}
        self._seen: set[_Kind] = set()

    def is_first(self, row: AuditRow) -> bool:
        """Whether it is the first of its kind in this moment, and gets a row at once; else it is counted."""
        kind = (row.account_id, row.role, row.member_id, row.action, row.outcome)
        if kind not in self._seen and len(self._seen) < MOST_KINDS:
            self._seen.add(kind)
            return True
        if kind not in self._seen:
            kind = ("", "", "", row.action, row.outcome)
        counted = self._rows.get(kind)
        if counted is not None:
            counted.count += row.count
        else:
            account_id, role, member_id, action, outcome = kind
            self._rows[kind] = AuditRow(
                account_id=account_id,
                role=role,
                member_id=member_id,
                action=action,
                outcome=outcome,
                count=row.count,
                request_id=row.request_id,
            )
        return False

    def take(self) -> list[AuditRow]:
        """The rows of what was counted; the moment is over."""
        rows = list(self._rows.values())
        self._rows, self._seen = {}, set()
        return rows
