"""For whom calls are made: what upstreams are told of the request behind them."""

from dataclasses import dataclass
from typing import Any

from gateway_clients.conf import UpstreamConf
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import Outgoing
from gateway_clients.upstream.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The request behind a call. `on_behalf_of` is the account's id; None for the gateway's own calls."""

    request_id: str
    on_behalf_of: str | None = None
    traceparent: str | None = None


def outgoing(call: Call[Any], asker: Asker, conf: UpstreamConf, deadline: Deadline) -> Outgoing:
    """The request to send: the headers of the contracts' README, `X-Request-Timeout-Ms` in whole milliseconds."""
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "web-bff",
        "X-Request-ID": asker.request_id,
        "X-Request-Timeout-Ms": str(int(deadline.remaining_seconds * 1000)),
    }
    optional = {
        "traceparent": asker.traceparent,
        "X-On-Behalf-Of": asker.on_behalf_of,
        "Authorization": f"Bearer {conf.service_token}" if conf.service_token else None,
        "Content-Type": call.content_type,
        "Idempotency-Key": call.idempotency_key,
    }
    headers.update({name: value for name, value in optional.items() if value is not None})
    return Outgoing(
        service=call.service,
        method=call.method,
        target=call.target,
        headers=headers,
        body=call.body,
        may_resend=call.is_repeatable,
    )
