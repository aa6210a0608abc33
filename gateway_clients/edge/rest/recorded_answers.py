"""What an action's answer shows, or why it was refused, in the audit trail: done for every action, by the base view."""

import re
from functools import lru_cache
from typing import Any, Final, Protocol

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from gateway_clients.audit.recorder import AuditUnavailableError
from gateway_clients.edge.access.current_caller import known_caller
from gateway_clients.edge.access.resources import Caller, Scope
from gateway_clients.edge.access.rules import AccessRule, rule_of
from gateway_clients.edge.disclosure.audit_trail import Look, record_refusal, record_shown
from gateway_clients.edge.disclosure.shown import Origin, Shown
from gateway_clients.edge.errors import RateLimitedError
from gateway_clients.edge.input.ids import is_id
from gateway_clients.edge.input.wrapped_request import django_request
from gateway_clients.edge.output.headers import discard

API: Final = "api/v1/"
ID: Final = re.compile(r"<id:([a-z]+)_id>")


class RecordedView(Protocol):
    """A view whose answers are recorded. `shown`: what the action has noted so far."""

    action: str
    kwargs: dict[str, Any]
    request: Request
    scope: Scope
    shown: Shown

    @property
    def caller(self) -> Caller: ...


def record_answer(view: RecordedView, response: HttpResponseBase) -> None:
    """Writes down whose data the answer shows. Raises as `record_shown` does; then the answer must not be sent.

    An answer about the member in the address whose action has noted nothing, such as a stream, shows something of that
    member all the same.
    """
    rule = rule_of(getattr(view, view.action))
    if rule is None or rule.is_open:
        return
    subject = _subject(view, rule)
    by_member = view.shown.by_member(subject)
    if subject is not None and not by_member and not view.shown.has_sections and response.status_code < 300:
        by_member = {subject: ((view.action, Origin.UPSTREAM),)}
    if not by_member:
        return
    action, scope = _name(view), view.scope
    try:
        looks = [Look(member_id, action, parts, scope) for member_id, parts in by_member.items()]
        record_shown(django_request(view.request), view.caller, looks)
    except BaseException:
        discard(response)
        raise


def record_refused(view: RecordedView, error: Exception) -> Exception:
    """Writes down that the request was refused, if it was; what the portal is told, which is that or why it failed."""
    rule = rule_of(getattr(view, view.action, None))
    if rule is None or rule.is_open:
        return error
    request: HttpRequest = django_request(view.request)
    try:
        caller = known_caller(request)
        record_refusal(request, caller, error, action=_name(view), member_id=_subject(view, rule))
    except (RateLimitedError, AuditUnavailableError) as instead:
        return instead
    return error


def _name(view: RecordedView) -> str:
    """The action's name in the audit trail: `GET members/{member}/benefits`."""
    request = django_request(view.request)
    match = request.resolver_match
    return f"{request.method} {_address(match.route)}" if match is not None else view.action


@lru_cache(maxsize=256)
def _address(route: str) -> str:
    return ID.sub(r"{\1}", route.removeprefix(API))


def _subject(view: RecordedView, rule: AccessRule) -> str | None:
    """The member whose data was asked for, by the address or because the caller sees no other's."""
    named: str | None = view.kwargs.get("member_id") or view.scope.member_id
    if named is None and "member_id" in rule.query_ids:
        given = view.request.query_params.get("member_id")
        named = given if given is not None and is_id(given) else None
    return named
