"""What each answer shows of which member, and the rows of the audit trail that are made of it."""

from gateway_clients.edge.disclosure.audit_trail import Look, record_refusal, record_shown
from gateway_clients.edge.disclosure.shown import Origin, Shown

__all__ = ["Look", "Origin", "Shown", "record_refusal", "record_shown"]
