"""Addresses that are met in a way of their own."""

from typing import Final

GRAPHQL: Final = "/graphql"
STAFF: Final = "/admin/"
#: What probes ask for, by the address of the machine or by none: their answers name no host.
PROBES: Final = frozenset({"/health", "/health/ready"})
