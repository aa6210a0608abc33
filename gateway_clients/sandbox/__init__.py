"""The eight services of the contracts, for demonstrations and tests: real HTTP, made-up data, faults on demand.

`manage.py sandbox` runs them, `manage.py sandbox_fault` breaks them, `Sandbox` is for tests. It is no part of the pipe:
of the gateway it knows the settings only, and it needs neither the database nor Redis.
"""

from gateway_clients.sandbox.calls import CallReport
from gateway_clients.sandbox.faults import Fault, FaultKind
from gateway_clients.sandbox.latency import Latency
from gateway_clients.sandbox.ledger import Entry
from gateway_clients.sandbox.running import Sandbox

__all__ = ("CallReport", "Entry", "Fault", "FaultKind", "Latency", "Sandbox")
