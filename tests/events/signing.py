"""Signs events as an upstream does, and sends them."""

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"
ADDRESS = "/api/v1/events"


def body_of(event_type: str, **data: Any) -> bytes:
    """An event's body."""
    return json.dumps({"type": event_type, "timestamp": "2026-03-01T08:30:00Z", "data": data}).encode()


def headers_of(
    body: bytes, *, secret: str = SECRET, webhook_id: str | None = None, seconds_ago: float = 0.0
) -> dict[str, str]:
    """The headers of a signed event."""
    webhook_id = webhook_id or f"evt_{uuid.uuid4().hex}"
    at = int(time.time() - seconds_ago)
    signature = Webhook(secret).sign(webhook_id, datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": webhook_id, "webhook-timestamp": str(at), "webhook-signature": signature}


def send(body: bytes, headers: dict[str, str] | None = None, *, client: Client | None = None) -> HttpResponse:
    """The gateway's answer."""
    client = client or Client(raise_request_exception=False)
    given = headers_of(body) if headers is None else headers
    return client.post(ADDRESS, data=body, content_type="application/json", headers=given)


def tell(event_type: str, **data: Any) -> HttpResponse:
    """Sends a signed event."""
    return send(body_of(event_type, **data))
