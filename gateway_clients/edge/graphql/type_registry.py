"""GraphQL types from view models: each view model makes one type, each name belongs to
one view model.
"""

import inspect
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import graphene
import msgspec
from graphene import ID, Boolean, Field, Float, Int, List, NonNull, ObjectType, String

from gateway_clients.edge.graphql.scalars import Date, DateTime, Rupiah
from gateway_clients.edge.output.deprecation import REASON
from gateway_clients.edge.output.view_models import SectionMeta, ViewModel
from gateway_clients.pipeline.pending_value import PendingValue

#: What `extra_json_schema` of a number says when it does not fit GraphQL's `Int`, which ends at 2³¹.
LARGE: Final = "int64"

#: Given Graphene's `info` and the objects that were found, what belongs to each, in their order; it may be pending.
BatchLoader = Callable[[Any, Sequence[Mapping[str, Any]]], Sequence[Any] | PendingValue[Any]]
#: A value as the view model has it → as GraphQL shows it.
Conversion = Callable[[Any], Any]


class TypeNameTakenError(Exception):
    """Two view models want to be the same type."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the value of a field comes from.

    `name` is its key in the data, `convert` is applied to it. `load` is a batch loader
    that is asked where the data has no such key; `part` is the part of the loaded
    object that is the value, empty for all of it. `cost` is added to the cost of an
    operation for each object that is loaded. `identity` is the template of a derived
    id, of the object's values and of `Within`: `{owner}:{code}`.
    """

    name: str
    convert: Conversion | None = None
    load: BatchLoader | None = None
    part: str = ""
    identity: str = ""
    cost: int = 0


@dataclass(slots=True)
class TypeRegistry:
    """Which type each view model became, and each enumeration."""

    by_model: dict[type[ViewModel], type[ObjectType]] = field(default_factory=dict)
    by_name: dict[str, type[ViewModel]] = field(default_factory=dict)
    enums: dict[type[StrEnum], type[graphene.Enum]] = field(default_factory=dict)

    def make(
        self,
        model: type[ViewModel],
        *,
        name: str | None = None,
        also: Collection[type[ViewModel]] = (),
        identity: str | None = None,
        renamed: Mapping[str, str] | None = None,
        nullable: Collection[str] = (),
        without: Collection[str] = (),
        loaded: Mapping[str, Source] | None = None,
        more: Mapping[str, tuple[Field, Source]] | None = None,
    ) -> type[ObjectType]:
        """Makes the type of a view model, under its own name or another.

        `also`: view models of the same object with fewer fields, shown as this type.
        `identity`: the template of the `id` if the model has none (see `Source`), or ""
        if the data contains an id all the same. `renamed`, `nullable` and `without`
        name fields of the model. `loaded` gives fields a batch loader for where the
        data lacks them. `more` adds fields, each with its source.
        Raises TypeNameTakenError when the name or a model has a type already.
        """
        type_name = name or model.__name__
        if type_name in self.by_name or not self.by_model.keys().isdisjoint({model, *also}):
            raise TypeNameTakenError(f"{type_name} of {model.__module__} is taken by {self.by_name.get(type_name)}")
        hints = get_type_hints(model, include_extras=True)
        fields: dict[str, Any] = {}
        sources: dict[str, Source] = {}
        if identity is not None:
            fields["id"] = Field(NonNull(ID), description=IDENTITY)
            sources["id"] = Source("id", identity=identity)
        for shown_as, (kind, source) in (more or {}).items():
            fields[shown_as], sources[camel(shown_as)] = kind, source
        for attribute in model.__struct_fields__:
            if attribute in without:
                continue
            shown_as = (renamed or {}).get(attribute, attribute)
            kind, convert = self._type_of(hints[attribute], attribute)
            loader = (loaded or {}).get(attribute)
            is_loose = (attribute in nullable or loader is not None) and isinstance(kind, NonNull)
            fields[shown_as] = Field(
                kind.of_type if is_loose else kind,
                description=_description_of(hints[attribute]),
                deprecation_reason=_deprecation_of(hints[attribute]),
            )
            sources[camel(shown_as)] = loader or Source(attribute, convert)
        for _, shown in sorted(fields.items(), key=lambda item: item[0] != "id"):
            shown.reset_counter()  # Graphene shows fields in this order
        description = inspect.cleandoc(model.__doc__ or "")
        meta = {"Meta": type("Meta", (), {"name": type_name, "description": description})}
        made: type[ObjectType] = type(
            type_name, (ObjectType,), {**fields, **meta, "sources": sources, "identity": identity or ""}
        )
        self.by_model |= dict.fromkeys((model, *also), made)
        self.by_name[type_name] = model
        return made

    def of(self, model: type[ViewModel]) -> type[ObjectType]:
        """The type of a view model; made under the model's own name if there is none
        yet.
        """
        return self.by_model.get(model) or self.make(model)

    def enum(self, kind: type[StrEnum], **descriptions: str) -> type[graphene.Enum]:
        """Makes the type of an enumeration. Its values are those of REST, with `_` for
        `-`.

        `descriptions` are those of the values. An enumeration that has a type already
        keeps it. Raises ValueError for a description of a value that does not exist.
        """
        if kind not in self.enums:
            names = {member.value.replace("-", "_"): member.value for member in kind}
            described = {value: descriptions.get(name) or _sentence(name) for name, value in names.items()}
            if not descriptions.keys() <= names.keys():
                raise ValueError(f"{kind.__name__} has no {', '.join(descriptions.keys() - names.keys())}")
            values = StrEnum(kind.__name__, names)  # type: ignore[misc]  # its members are known at runtime only

            def describe(value: Any) -> str:
                return inspect.cleandoc(kind.__doc__ or "") if value is None else described[value.value]

            self.enums[kind] = graphene.Enum.from_enum(values, description=describe)
        return self.enums[kind]

    def _type_of(self, hint: Any, name: str) -> tuple[Any, Conversion | None]:
        """The type of a field, NonNull unless None or UNSET are among its values."""
        bare, metas = _bare(hint)
        options = get_args(bare) if get_origin(bare) in {types.UnionType, Union} else (bare,)
        present = [option for option in options if option not in {type(None), msgspec.UnsetType}]
        if len(present) != 1:
            raise TypeError(f"a field has one type, not {hint}")
        inner, inner_metas = _bare(present[0])
        kind, convert = self._bare_type_of(inner, metas + inner_metas, name)
        return (kind if len(options) > 1 else NonNull(kind)), convert

    def _bare_type_of(self, hint: Any, metas: Sequence[msgspec.Meta], name: str) -> tuple[Any, Conversion | None]:
        origin = get_origin(hint)
        if origin in {tuple, list}:
            item, convert = self._type_of(get_args(hint)[0], name)
            return List(item), (None if convert is None else lambda values: list(map(convert, values)))
        if origin is dict and get_args(hint) == (str, SectionMeta):
            return List(NonNull(self.of(SectionMeta))), named_sections
        if hint is int:
            return _number(metas), None
        if isinstance(hint, type) and issubclass(hint, ViewModel):
            return self.of(hint), None
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            has_dashes = any("-" in member.value for member in hint)
            return self.enum(hint), (_without_dashes if has_dashes else None)
        is_id = hint is str and (name == "id" or name.endswith("_id"))
        return (ID if is_id else PLAIN[hint]), None


PLAIN: Final[Mapping[Any, Any]] = {str: String, bool: Boolean, float: Float, date: Date, datetime: DateTime}
#: The description of an `id` that the gateway makes.
IDENTITY: Final = "Identifies the object in a client's cache. Treat it as opaque."

#: What `msgspec.Meta(extra=…)` of an amount says, so that GraphQL shows it as `Rupiah`.
AMOUNT: Final[Mapping[str, str]] = {"scalar": "Rupiah"}

#: What REST leaves out of a section's meta while there is nothing to say.
ALL_WELL: Final[Mapping[str, Any]] = {"error": None, "omitted": 0, "drifted": ()}


@lru_cache(maxsize=1_000)
def camel(name: str) -> str:
    """`recent_claims` as GraphQL writes it: `recentClaims`."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def named_sections(sections: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The sections of a `meta` as a list, each with its name."""
    return [{"name": camel(name), **ALL_WELL, **section} for name, section in sections.items()]


def _bare(hint: Any) -> tuple[Any, list[msgspec.Meta]]:
    metas: list[msgspec.Meta] = []
    while get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        metas += [extra for extra in extras if isinstance(extra, msgspec.Meta)]
    return hint, metas


def _number(metas: Sequence[msgspec.Meta]) -> Any:
    if any(meta.extra == AMOUNT for meta in metas):
        return Rupiah
    return Float if any((meta.extra_json_schema or {}).get("format") == LARGE for meta in metas) else Int


def _without_dashes(value: str) -> str:
    return value.replace("-", "_")


def _sentence(name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()}."


def _deprecation_of(hint: Any) -> str | None:
    """Why a field is marked as deprecated; None where it is not."""
    return next((meta.extra[REASON] for meta in _bare(hint)[1] if meta.extra and REASON in meta.extra), None)


def _description_of(hint: Any) -> str | None:
    bare, metas = _bare(hint)
    if get_origin(bare) in {types.UnionType, Union}:
        metas = [meta for option in get_args(bare) for meta in _bare(option)[1]] + metas
    return next((meta.description for meta in reversed(metas) if meta.description), None) or _first_line_of(bare)


def _first_line_of(hint: Any) -> str | None:
    """The first line of the description of a field's type, for a field without a
    description.
    """
    options = get_args(hint) if get_origin(hint) in {types.UnionType, Union} else (hint,)
    for kind, _ in map(_bare, options):
        if isinstance(kind, type) and issubclass(kind, ViewModel | StrEnum):
            return inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
    return None
