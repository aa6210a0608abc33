"""Objects that batch loaders are asked about, gathered by root field and loader."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql.pyutils import Path

from gateway_clients.edge.graphql.errors import Failed
from gateway_clients.edge.graphql.projection import plain
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.graphql.selection import SelectedField, Selection
from gateway_clients.edge.graphql.type_registry import BatchLoader


@dataclass(frozen=True, slots=True)
class Wanted:
    """The fields of one object that a batch loader is asked for. `path` is the path of
    the object.
    """

    parent: dict[str, Any]
    selection: Selection
    fields: list[SelectedField]
    path: Path


@dataclass(frozen=True, slots=True)
class Batch:
    """The objects below one root field that one batch loader is asked about."""

    info: ResolverInfo
    load: BatchLoader
    wanted: list[Wanted] = field(default_factory=list)

    def put(self, values: Any) -> Iterator[tuple[Any, Selection, Path]]:
        """Puts what was loaded into the objects; where loading failed, why.

        Yields each value that has fields with resolvers of their own, with its
        selection and its path.
        """
        failed = Failed.of(values) if isinstance(values, Exception) else None
        loaded = [failed] * len(self.wanted) if failed else map(_plain_or_why, values)
        for wanted, value in zip(self.wanted, loaded, strict=True):
            for each in wanted.fields:
                part = each.source.part
                shown = wanted.parent[each.slot] = value.get(part) if part and isinstance(value, dict) else value
                if each.child is not None and each.child.needs_resolvers:
                    yield shown, each.child, wanted.path.add_key(each.key, wanted.selection.type_name)


class Batches:
    """The batches that no loader was asked about yet."""

    def __init__(self) -> None:
        self._batches: dict[tuple[int, BatchLoader], Batch] = {}

    def __bool__(self) -> bool:
        return bool(self._batches)

    def add(self, info: ResolverInfo, load: BatchLoader, wanted: Wanted) -> None:
        """Adds an object to the batch of its root field and loader."""
        self._batches.setdefault((id(info.sections), load), Batch(info, load)).wanted.append(wanted)

    def take(self) -> Collection[Batch]:
        """Returns the batches, once."""
        batches, self._batches = self._batches, {}
        return batches.values()


def _plain_or_why(loaded: Any) -> Any:
    return Failed.of(loaded) if isinstance(loaded, Exception) else plain(loaded)
