"""Deny by default, as a permission class of DRF's."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from gateway_clients.edge.access.rules import AccessRule, rule_of
from gateway_clients.edge.errors import AccessDeniedError


class HasAccessRule(BasePermission):
    """Lets nobody at an action without an access rule, and at one with a rule whom the rule lets.

    It is the default of `permission_classes`. A viewset with others is checked by those; the rules of its actions hold
    all the same.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Sets the view's `scope`. False for somebody who has to sign in first; raises AccessDeniedError."""
        rule = rule_in_force(request, view)
        if rule is None:
            raise AccessDeniedError
        if rule.is_open:
            return True
        caller: Any = request.user
        if not caller or not caller.is_authenticated:
            return False
        view.scope = rule.scope(caller, view.kwargs, request.query_params)
        return True


def rule_in_force(request: Request, view: Any) -> AccessRule | None:
    """The rule of the action that is called, or of the method's handler where a view has no actions."""
    name = getattr(view, "action", None) or (request.method or "").lower()
    return rule_of(getattr(view, name, None))
