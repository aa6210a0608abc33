"""Traces: what a request says of its trace and is told of it, and spans made of what was noted, out of its way.

Nothing of OpenTelemetry is imported unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
"""

from gateway_clients.tracing.propagation import TraceContext, trace_context_of
from gateway_clients.tracing.recorder import finish

__all__ = ["TraceContext", "finish", "trace_context_of"]
