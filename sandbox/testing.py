"""What tests use of the sandbox: it runs in a thread of their process, is broken, and tells what it was asked."""

from sandbox.calls import CallReport
from sandbox.faults import Fault, FaultKind
from sandbox.latency import Latency
from sandbox.ledger import Entry
from sandbox.running import Sandbox

__all__ = ("CallReport", "Entry", "Fault", "FaultKind", "Latency", "Sandbox")
