"""Runs the resolvers of an operation, each once, and sends the calls of all that can be
known together side by side.

All root resolvers are run first. What one returns may be pending: a call, a view, or
what `then` makes of them. Each pending value is advanced by one step, which sends the
calls that were added and waits for them; what needs further calls is advanced again,
beside the fields below those objects that are there by now.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from graphql import GraphQLLeafType, GraphQLList, GraphQLNonNull, GraphQLOutputType
from graphql.pyutils import Path

from gateway_clients.edge.graphql.errors import Failed
from gateway_clients.edge.graphql.loader_batches import Batch, Batches, Wanted
from gateway_clients.edge.graphql.projection import plain
from gateway_clients.edge.graphql.resolver_info import ResolverInfo, resolve_root
from gateway_clients.edge.graphql.section_view import view_data
from gateway_clients.edge.graphql.selection import SelectedField, Selection
from gateway_clients.edge.graphql.type_registry import BatchLoader
from gateway_clients.gateway import CompositeView
from gateway_clients.pipeline.pending_value import PendingValue

#: Takes the value of a field, or the exception that its resolver raised.
Deliver = Callable[[Any], None]


class Parent(dict[str, Any]):
    """The object that a resolver below the root is given as `root`: its values as items
    and as attributes.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Resolution:
    """The resolvers of one operation and what they came to. Made for one request."""

    def __init__(self) -> None:
        self._pending: list[tuple[PendingValue[Any], Deliver]] = []
        self._batches = Batches()

    def run(self, infos: Sequence[ResolverInfo]) -> list[Any]:
        """Runs the resolvers of the root fields and of everything below them.

        Returns for each root field plain data, in which Failed takes the place of a
        value that could not be had, or the exception that it failed with. Objects in
        the data are dicts by the slots of their fields.
        """
        ends: dict[str, Any] = {}
        for info in infos:
            self._call(partial(resolve_root, info), info, partial(_end_root, ends, info))
        while self._pending or self._batches:
            self._load()
            pending, self._pending = self._pending, []
            for value, deliver in pending:
                self._advance(value, deliver)
        return [ends[info.selected.key] for info in infos]

    def _call(self, resolver: Callable[[], Any], info: ResolverInfo, put: Deliver) -> None:
        """Runs a resolver; its value is completed and put where it belongs once it is
        there.
        """
        deliver = partial(self._complete_into, info, put)
        try:
            value = resolver()
            pending = view_data(info, value) if isinstance(value, CompositeView) else value
        except Exception as error:  # noqa: BLE001 - one field's failure, whatever it is, is not another's
            put(error)
            return
        self._take(pending, deliver)

    def _take(self, value: Any, deliver: Deliver) -> None:
        if isinstance(value, PendingValue):
            self._pending.append((value, deliver))
        else:
            deliver(value)

    def _advance(self, value: PendingValue[Any], deliver: Deliver) -> None:
        try:
            end: Any = value.advance()
        except Exception as error:  # noqa: BLE001 - as in `_call`
            end = error
        self._take(end, deliver)

    def _load(self) -> None:
        """Asks the batch loaders about the objects that were found since the last time."""
        for batch in self._batches.take():
            try:
                values: Any = batch.load(batch.info, [wanted.parent for wanted in batch.wanted])
            except Exception as error:  # noqa: BLE001 - as in `_call`
                values = error
            self._take(values, partial(self._put_loaded, batch))

    def _put_loaded(self, batch: Batch, values: Any) -> None:
        for shown, child, path in batch.put(values):
            self._go_below(shown, child, batch.info, path)

    def _complete_into(self, info: ResolverInfo, put: Deliver, value: Any) -> None:
        if isinstance(value, Exception):
            put(value)
            return
        try:
            put(self._completed(value, info, info.selected, info.path))
        except Exception as error:  # noqa: BLE001 - as in `_call`
            put(error)

    def _completed(self, value: Any, info: ResolverInfo, selected: SelectedField, path: Path) -> Any:
        """Plain data of what a resolver returned, whose fields with resolvers of their
        own are still to come.

        Raises what a scalar's `serialize` does.
        """
        child = selected.child
        if value is None or isinstance(value, Failed):
            return value
        if child is None:
            return _serialized(value, info.return_type)
        if child.is_modelled:
            data = plain(value)
            if child.needs_resolvers:
                self._go_below(data, child, info, path)
            return data
        if selected.is_list:
            return [self._record(each, child, info, path.add_key(number)) for number, each in enumerate(value)]
        return self._record(value, child, info, path)

    def _record(self, root: Any, selection: Selection, info: ResolverInfo, path: Path) -> dict[str, Any] | None:
        """The values of an object of Graphene's own types, by running each field's
        resolver.
        """
        if root is None:
            return None
        record: dict[str, Any] = {}
        fields = [each for each in selection if each.definition is not None]
        self._resolve(fields, root, record, partial(_info_below, info, selection.type_name, path))
        return record

    def _resolve(
        self,
        fields: Iterable[SelectedField],
        root: Any,
        record: dict[str, Any],
        info_of: Callable[[SelectedField], ResolverInfo],
    ) -> None:
        """Runs the resolvers of some fields of an object; their values go into its
        record.
        """
        for each in fields:
            info = info_of(each)
            self._call(partial(_resolved, root, info), info, partial(_end_field, record, each.slot))

    def _go_below(self, data: Any, selection: Selection, info: ResolverInfo, path: Path) -> None:
        """Finds the fields with resolvers or loaders of their own below an object, or
        below a list of them.
        """
        if isinstance(data, list | tuple):
            for number, item in enumerate(data):
                self._go_below(item, selection, info, path.add_key(number))
            return
        if not isinstance(data, dict):
            return
        if selection.resolved:
            info_of = partial(_info_below, info, selection.type_name, path)
            self._resolve(selection.resolved, Parent(data), data, info_of)
        loaded: dict[BatchLoader, list[SelectedField]] = {}
        for each in selection:
            if each.source.load is not None and each.slot not in data:
                loaded.setdefault(each.source.load, []).append(each)
            elif each.child is not None and each.child.needs_resolvers and not each.is_resolved:
                self._go_below(data.get(each.slot), each.child, info, path.add_key(each.key, selection.type_name))
        for load, fields in loaded.items():
            self._batches.add(info, load, Wanted(data, selection, fields, path))


def _info_below(info: ResolverInfo, parent_type: str, path: Path, selected: SelectedField) -> ResolverInfo:
    return info.below(selected, parent_type, path.add_key(selected.key, parent_type))


def _resolved(root: Any, info: ResolverInfo) -> Any:
    """Calls the resolver of a field below the root. Raises what it raises, and
    GraphQLError for bad arguments.
    """
    definition = info.selected.definition
    assert definition is not None
    assert definition.resolve is not None
    return definition.resolve(root, info, **info.selected.arguments(info.variable_values))


def _end_root(ends: dict[str, Any], info: ResolverInfo, value: Any) -> None:
    ends[info.selected.key] = value


def _end_field(record: dict[str, Any], slot: str, value: Any) -> None:
    record[slot] = Failed.of(value) if isinstance(value, Exception) else value


def _serialized(value: Any, kind: GraphQLOutputType) -> Any:
    """A scalar or an enum's value as its type shows it, or a list of them."""
    if value is None:
        return None
    if isinstance(kind, GraphQLNonNull):
        return _serialized(value, kind.of_type)
    if isinstance(kind, GraphQLList):
        return [_serialized(each, kind.of_type) for each in value]
    leaf: GraphQLLeafType = kind  # type: ignore[assignment]  # the schema has objects, scalars and enums only
    return leaf.serialize(value)
