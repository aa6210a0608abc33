"""Fields that are loaded for many objects at once: one load for each field, over all objects of a root field."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway_clients.edge.graphql.errors import Failed
from gateway_clients.edge.graphql.field_request import FieldRequest
from gateway_clients.edge.graphql.projection import plain
from gateway_clients.edge.graphql.selection import SelectedField
from gateway_clients.edge.graphql.type_registry import BatchLoader
from gateway_clients.pipeline.waves import Step, together

#: The objects that a field is wanted of, by where it stands in their data and who loads it.
Parents = dict[tuple[str, BatchLoader], list[dict[str, Any]]]


def load_into(field_request: FieldRequest, data: Any) -> None:
    """Puts the values of such fields into the objects below `data`; where loading failed, why."""
    parents: Parents = {}
    _gather(field_request.selected, data, parents)
    if not parents:
        return
    ends = together(
        field_request.gateway, [_step(load, field_request, objects) for (_, load), objects in parents.items()]
    )
    for ((name, _), objects), end in zip(parents.items(), ends, strict=True):
        values = [Failed.of(end)] * len(objects) if isinstance(end, Exception) else end
        for parent, value in zip(objects, values, strict=True):
            parent[name] = plain(value)


def _step(load: BatchLoader, field_request: FieldRequest, objects: Sequence[Mapping[str, Any]]) -> Step:
    return lambda: load(field_request, objects)


def _gather(field: SelectedField, data: Any, parents: Parents) -> None:
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
