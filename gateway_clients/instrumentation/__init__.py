"""What observes the gateway: hooks told of every call, metrics, logs as JSON lines. None of them can fail a request."""

from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord, Record, observe, tell

__all__ = ["CallRecord", "DriftRecord", "Record", "observe", "tell"]
