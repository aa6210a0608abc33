"""For whom calls are made: what upstreams are told of the request behind them."""

from dataclasses import dataclass, field
from typing import Any

from gateway_clients.conf import UpstreamConf
from gateway_clients.pipeline.call import JSON, Call
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import SharedHeaders, UpstreamRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOrigin:
    """The request behind a call. `on_behalf_of` is the account's id; None for the gateway's own calls."""

    request_id: str
    on_behalf_of: str | None = None
    traceparent: str | None = None
    _headers: dict[tuple[str, str], SharedHeaders] = field(default_factory=dict, init=False, repr=False, compare=False)

    def headers(self, service_token: str, accept: str = JSON) -> SharedHeaders:
        """What all calls of the request that accept this tell the upstreams that take this token (`""`: none)."""
        made = self._headers.get((service_token, accept))
        if made is None:
            made = self._headers[service_token, accept] = SharedHeaders(
                _given(
                    {
                        "Accept": accept,
                        "Accept-Encoding": "identity",
                        "User-Agent": "web-bff",
                        "X-Request-ID": self.request_id,
                        "traceparent": self.traceparent,
                        "X-On-Behalf-Of": self.on_behalf_of,
                        "Authorization": f"Bearer {service_token}" if service_token else None,
                    }
                )
            )
        return made


def upstream_request(call: Call[Any], origin: RequestOrigin, conf: UpstreamConf, deadline: Deadline) -> UpstreamRequest:
    """The request to send: the headers of the contracts' README, `X-Request-Timeout-Ms` in whole milliseconds."""
    headers = {"X-Request-Timeout-Ms": str(int(deadline.remaining_seconds * 1000))}
    if call.content_type is not None:
        headers["Content-Type"] = call.content_type
    if call.idempotency_key is not None:
        headers["Idempotency-Key"] = call.idempotency_key
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
