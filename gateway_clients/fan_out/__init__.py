"""Calls side by side: started together, waited for once, each with its own outcome."""

from gateway_clients.fan_out.sections import Section, SectionState

__all__ = ["Section", "SectionState"]
