"""Work on many rows, a batch at a time, so that each statement stays within its limit."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import Model, QuerySet

BATCH: Final = 500


def keys_in_batches(rows: QuerySet[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """The primary keys of these rows, in their order, and nothing else of them."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[:size])
    while keys:
        yield keys
        keys = list(rows.filter(pk__gt=keys[-1]).order_by("pk").values_list("pk", flat=True)[:size])


def delete_in_batches(rows: "QuerySet[Model]", size: int = BATCH) -> None:
    """Deletes these rows, those alone that are still such when their turn has come."""
    for keys in keys_in_batches(rows, size):
        rows.filter(pk__in=keys).delete()
