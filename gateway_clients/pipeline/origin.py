"""The request behind a call, and the headers that tell upstreams of it."""

from dataclasses import dataclass, field
from typing import Any

from gateway_clients.conf import UpstreamConf
from gateway_clients.instrumentation.request_span import RequestSpan, new_id
from gateway_clients.pipeline.call import JSON, Call
from gateway_clients.pipeline.trace import RequestTrace, Step
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import SharedHeaders, UpstreamRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOrigin:
    """The request behind a call. `on_behalf_of` is the account's id; None for the gateway's own calls.

    `trace` collects the steps of its calls. `span` is set where it is recorded: each attempt is then a child of it.
    Otherwise upstreams get `traceparent` and `tracestate` ("" for none) as they are.
    """

    request_id: str
    on_behalf_of: str | None = None
    traceparent: str | None = None
    tracestate: str = ""
    span: RequestSpan | None = None
    trace: RequestTrace = field(default_factory=RequestTrace, repr=False, compare=False)
    _headers: dict[tuple[str, str], SharedHeaders] = field(default_factory=dict, init=False, repr=False, compare=False)

    def headers(self, service_token: str, accept: str = JSON) -> SharedHeaders:
        """Returns the headers that the request's calls share; `service_token` is "" for none."""
        made = self._headers.get((service_token, accept))
        if made is None:
            made = self._headers[service_token, accept] = SharedHeaders(
                _given(
                    {
                        "Accept": accept,
                        "Accept-Encoding": "identity",
                        "User-Agent": "web-bff",
                        "X-Request-ID": self.request_id,
                        "traceparent": self.traceparent if self.span is None else None,
                        "tracestate": self.tracestate or None,
                        "X-On-Behalf-Of": self.on_behalf_of,
                        "Authorization": f"Bearer {service_token}" if service_token else None,
                    }
                )
            )
        return made


def upstream_request(call: Call[Any], origin: RequestOrigin, conf: UpstreamConf, deadline: Deadline) -> UpstreamRequest:
    """Returns the request to send, with the headers of the contracts; `X-Request-Timeout-Ms` in whole milliseconds."""
    headers = {"X-Request-Timeout-Ms": str(int(deadline.remaining_seconds * 1000))}
    if call.content_type is not None:
        headers["Content-Type"] = call.content_type
    if call.idempotency_key is not None:
        headers["Idempotency-Key"] = call.idempotency_key
    if origin.span is not None and origin.traceparent:
        span_id = new_id(64)
        origin.trace.note(call, Step.TRACED, span_id)
        headers["traceparent"] = origin.span.traceparent_of(span_id)
    return UpstreamRequest(
        service=call.service,
        method=call.method,
        target=call.target,
        headers=headers,
        shared=origin.headers(conf.service_token, call.accept),
        body=call.body,
        may_resend=call.is_repeatable,
    )


def _given(headers: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value is not None}
