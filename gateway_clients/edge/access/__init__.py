"""Who is asking, and what that account may see and do."""

from gateway_clients.edge.access.own_page import require_known_origin, require_own_page
from gateway_clients.edge.access.permission import HasAccessRule
from gateway_clients.edge.access.resources import EVERYTHING, Caller, Resource, Role, Scope, scope_of
from gateway_clients.edge.access.rules import allowed, open_to_all, signed_in

__all__ = [
    "EVERYTHING",
    "Caller",
    "HasAccessRule",
    "Resource",
    "Role",
    "Scope",
    "allowed",
    "open_to_all",
    "require_known_origin",
    "require_own_page",
    "scope_of",
    "signed_in",
]
