"""Rows in the order they came, found by their id or by those they belong to."""

from collections.abc import Callable, Iterable

from sandbox.messages import Row


class Shelf:
    """`owners` tells the ids of those a row belongs to: a member, a provider, a claim; None stands for nobody."""

    def __init__(self, rows: Iterable[Row], owners: Callable[[Row], tuple[str | None, ...]]) -> None:
        self._owners = owners
        self._by_owner: dict[str, list[Row]] = {}
        self.by_id: dict[str, Row] = {}
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Takes in a row that is newer than all others."""
        self.by_id[row["id"]] = row
        for owner in self._owners(row):
            if owner is not None:
                self._by_owner.setdefault(owner, []).append(row)

    def newest(self, *owners: str | None) -> list[Row]:
        """The rows that belong to each of these, newest first; None asks for nobody in particular."""
        wanted = {owner for owner in owners if owner is not None}
        if not wanted:
            return list(reversed(self.by_id.values()))
        rows = self._by_owner.get(next(iter(wanted)), [])
        return [row for row in reversed(rows) if wanted <= {*self._owners(row)}]
