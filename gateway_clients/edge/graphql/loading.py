"""Fields that are loaded for many objects at once: one load for each field, over all objects of a root field."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway_clients.edge.graphql.asking import Ask
from gateway_clients.edge.graphql.derivation import BatchLoader
from gateway_clients.edge.graphql.errors import Failed
from gateway_clients.edge.graphql.projection import plain
from gateway_clients.edge.graphql.selection import Chosen
from gateway_clients.fan_out.waves import Step, together

#: The objects that a field is wanted of, by where it stands in their data and who loads it.
Parents = dict[tuple[str, BatchLoader], list[dict[str, Any]]]


def load_into(ask: Ask, data: Any) -> None:
    """Puts the values of such fields into the objects below `data`; where loading failed, why."""
    parents: Parents = {}
    _gather(ask.chosen, data, parents)
    if not parents:
        return
    ends = together(ask.gateway, [_step(load, ask, objects) for (_, load), objects in parents.items()])
    for ((name, _), objects), end in zip(parents.items(), ends, strict=True):
        values = [Failed.of(end)] * len(objects) if isinstance(end, Exception) else end
        for parent, value in zip(objects, values, strict=True):
            parent[name] = plain(value)


def _step(load: BatchLoader, ask: Ask, objects: Sequence[Mapping[str, Any]]) -> Step:
    return lambda: load(ask, objects)


def _gather(field: Chosen, data: Any, parents: Parents) -> None:
    if field.child is None or not field.child.has_loads:
        return
    if isinstance(data, list | tuple):
        for item in data:
            _gather(field, item, parents)
    elif isinstance(data, dict):
        for each in field.child:
            if each.source.load is not None:
                parents.setdefault((each.slot, each.source.load), []).append(data)
            else:
                _gather(each, data.get(each.slot), parents)
