"""GraphQL types from view models: each view model makes one type, each name belongs to one view model."""

import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from graphene import Boolean, Field, Float, Int, List, NonNull, ObjectType, String

from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.view_models import SectionMeta, ViewModel

#: What `extra_json_schema` of a number says when it does not fit GraphQL's `Int`, which ends at 2³¹.
LARGE: Final = "int64"

#: Given what was asked and the parents that were found, their values in the parents' order.
BatchLoader = Callable[[Any, Sequence[Mapping[str, Any]]], Sequence[Any]]
#: A value as the view model has it → as GraphQL shows it.
Conversion = Callable[[Any], Any]


class TypeNameTakenError(Exception):
    """Two view models want to be the same type."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field's value stands in the data and what is done with it there, or who loads it for many at once."""

    name: str
    convert: Conversion | None = None
    load: BatchLoader | None = None


@dataclass(slots=True)
class TypeRegistry:
    """Which type each view model became."""

    by_model: dict[type[ViewModel], type[ObjectType]] = field(default_factory=dict)
    by_name: dict[str, type[ViewModel]] = field(default_factory=dict)

    def make(
        self,
        model: type[ViewModel],
        *,
        name: str | None = None,
        renamed: Mapping[str, str] | None = None,
        nullable: Collection[str] = (),
        without: Collection[str] = (),
        more: Mapping[str, tuple[Field, Source]] | None = None,
    ) -> type[ObjectType]:
        """The type of a view model, under its own name or another.

        `renamed`, `nullable` and `without` name the model's fields; `more` puts fields before them, each as it is
        declared, and its source.
        Raises TypeNameTakenError when the name or the model has a type already.
        """
        type_name = name or model.__name__
        if type_name in self.by_name or model in self.by_model:
            raise TypeNameTakenError(f"{type_name} of {model.__module__} is taken by {self.by_name.get(type_name)}")
        hints = get_type_hints(model, include_extras=True)
        fields: dict[str, Any] = {}
        sources: dict[str, Source] = {}
        for shown_as, (kind, source) in (more or {}).items():
            fields[shown_as], sources[camel(shown_as)] = kind, source
        for attribute in model.__struct_fields__:
            if attribute in without:
                continue
            shown_as = (renamed or {}).get(attribute, attribute)
            kind, convert = self._type_of(hints[attribute])
            is_loose = attribute in nullable and isinstance(kind, NonNull)
            fields[shown_as] = Field(kind.of_type if is_loose else kind, description=_description_of(hints[attribute]))
            sources[camel(shown_as)] = Source(attribute, convert)
        meta = {"Meta": type("Meta", (), {"name": type_name, "description": model.__doc__})}
        made: type[ObjectType] = type(type_name, (ObjectType,), {**fields, **meta, "sources": sources})
        self.by_model[model], self.by_name[type_name] = made, model
        return made

    def of(self, model: type[ViewModel]) -> type[ObjectType]:
        """The type of a view model, made under its own name where nobody made it before."""
        return self.by_model.get(model) or self.make(model)

    def _type_of(self, hint: Any) -> tuple[Any, Conversion | None]:
        """The type of a field, NonNull unless None or UNSET are among its values."""
        bare, metas = _bare(hint)
        options = get_args(bare) if get_origin(bare) in {types.UnionType, Union} else (bare,)
        present = [option for option in options if option not in {type(None), msgspec.UnsetType}]
        if len(present) != 1:
            raise TypeError(f"a field has one type, not {hint}")
        inner, inner_metas = _bare(present[0])
        kind, convert = self._bare_type_of(inner, metas + inner_metas)
        return (kind if len(options) > 1 else NonNull(kind)), convert

    def _bare_type_of(self, hint: Any, metas: Sequence[msgspec.Meta]) -> tuple[Any, Conversion | None]:
        origin = get_origin(hint)
        if origin in {tuple, list}:
            item, _ = self._type_of(get_args(hint)[0])
            return List(item), None
        if origin is dict and get_args(hint) == (str, SectionMeta):
            return List(NonNull(self.of(SectionMeta))), named_sections
        if hint is int:
            return (Float if any(map(_is_large, metas)) else Int), None
        if isinstance(hint, type) and issubclass(hint, ViewModel):
            return self.of(hint), None
        is_choice = origin is Literal or (isinstance(hint, type) and issubclass(hint, StrEnum))
        return (String if is_choice else PLAIN[hint]), None


PLAIN: Final[Mapping[Any, Any]] = {str: String, bool: Boolean, float: Float, date: Date, datetime: Date}

#: The types of this schema.
TYPES: Final = TypeRegistry()


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


def _is_large(meta: msgspec.Meta) -> bool:
    return (meta.extra_json_schema or {}).get("format") == LARGE


def _description_of(hint: Any) -> str | None:
    _, metas = _bare(hint)
    return next((meta.description for meta in reversed(metas) if meta.description), None)


SECTION_META: Final = TYPES.make(
    SectionMeta,
    nullable=("age", "omitted", "drifted"),
    more={"name": (Field(NonNull(String)), Source("name"))},
)
