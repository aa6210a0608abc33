"""What the root fields of an operation show of which member, written down before the answer is sent."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from django.http import HttpRequest

from gateway_clients.audit.members import naming_field
from gateway_clients.audit.recorder import AuditUnavailableError
from gateway_clients.edge.access.current_caller import caller_of, known_caller
from gateway_clients.edge.access.rules import rule_of
from gateway_clients.edge.disclosure.audit_trail import Look, record_refusal, record_shown
from gateway_clients.edge.disclosure.shown import Origin, Parts, Shown, origin_of, parts_of
from gateway_clients.edge.errors import TemporarilyUnavailableError
from gateway_clients.edge.graphql.errors import Failed, FieldRefusedError
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.graphql.selection import Selection
from gateway_clients.edge.graphql.types import TYPES
from gateway_clients.edge.input.request_context import context_of

#: A refusal that says itself something of the member.
NOT_ELIGIBLE: Final = "member_not_eligible"
MEMBER: Final = "member_id"


def record_fields(request: HttpRequest, ends: Iterable[tuple[ResolverInfo, Any]]) -> None:
    """Writes down what the root fields came to, each its data or the exception: one row for a member.

    Raises TemporarilyUnavailableError when that cannot be done, and RateLimitedError.
    """
    looks: dict[str, Look] = {}
    try:
        for info, end in ends:
            rule = rule_of(info.selected.definition.resolve if info.selected.definition else None)
            if rule is None or rule.is_open:
                continue
            if isinstance(end, Exception) and not _tells(end):
                caller = known_caller(request)
                action, member_id = f"graphql.{info.selected.name}", info.arguments.get("member_id")
                record_refusal(request, caller, end, action=action, member_id=member_id)
            elif end is not None:
                for member_id, parts in _shown(info, end, request).items():
                    looks[member_id] = _merged(looks.get(member_id), member_id, parts, info)
        caller = caller_of(request) if looks else None
        if caller is not None:
            record_shown(request, caller, looks.values())
    except AuditUnavailableError as error:
        raise TemporarilyUnavailableError from error


def _merged(look: Look | None, member_id: str, parts: Parts, info: ResolverInfo) -> Look:
    """Merges what two root fields show of one member."""
    if look is None:
        return Look(member_id, f"graphql.{info.selected.name}", parts, info.scope)
    names = look.action.removeprefix("graphql.").split("+")
    names += [info.selected.name] if info.selected.name not in names else []
    return Look(member_id, f"graphql.{'+'.join(names)}", tuple(dict.fromkeys(look.parts + parts)), look.scope)


def _tells(error: Exception) -> bool:
    return isinstance(error, FieldRefusedError) and error.code == NOT_ELIGIBLE


def _shown(info: ResolverInfo, data: Any, request: HttpRequest) -> dict[str, Parts]:
    origin = origin_of(context_of(request).freshness)
    if isinstance(data, Exception):
        return {info.arguments["claim_input"]["member_id"]: (("eligibility", origin),)}
    subject = info.arguments.get("member_id") or info.scope.member_id
    if info.disclosed.has_sections:
        for part in _parts_with_arguments(info.selection, data):
            info.disclosed.add_of_subject(part, origin)
        return info.disclosed.by_member(subject)
    shown = Shown()
    parts = parts_of(info.sections, is_near=origin == Origin.NEAR_CACHE)
    for name, where in parts or ((_snake(info.selected.name), origin),):
        shown.add_of_subject(name, where)
        for member_id in _members_in(data, info.selection):
            shown.add(member_id, name, where)
    return shown.by_member(subject)


def _parts_with_arguments(selection: Selection, data: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a view that have arguments, and calls of their own, and have come."""
    for each in selection:
        has_arguments = each.definition is not None and each.definition.args
        if has_arguments and data.get(each.slot) is not None and not isinstance(data[each.slot], Failed):
            yield each.source.name


def _members_in(data: Any, selection: Selection) -> Iterator[str]:
    """The members whose data stands in plain data: in single objects, and in those lists that were asked for."""
    if isinstance(data, list | tuple):
        for item in data:
            yield from _members_in(item, selection)
        return
    if not isinstance(data, dict):
        return
    model = TYPES.by_name.get(selection.type_name)
    naming = naming_field(model) if model is not None else None
    if naming is not None and naming in data:
        yield data[naming]
    children = {each.slot: each.child for each in selection if each.child is not None}
    for slot, value in data.items():
        child = children.get(slot)
        if child is not None:
            yield from _members_in(value, child)
        elif isinstance(value, dict) and isinstance(value.get(MEMBER), str):
            # The claim whose id and number the object shows by itself.
            yield value[MEMBER]


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
