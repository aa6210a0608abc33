"""Claims that the sandbox's services take, and the calls that submit them."""

import datetime
from typing import Any

from django.test import Client

ACCOUNTS: dict[str, dict[str, Any]] = {
    "member": {"member_id": "m-1"},
    "other member": {"member_id": "m-2"},
    "provider": {"provider_id": "prov-1"},
    "other provider": {"provider_id": "prov-2"},
    "admin": {"is_admin": True},
    "nobody": {},
}
#: A week ago is no future day in any time zone.
SERVICE_DATE = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=7)).date().isoformat()
ITEM = {"benefit_code": "CONS-GP", "amount": 150_000}


def a_claim(**changes: Any) -> dict[str, Any]:
    """What a portal sends."""
    return {"member_id": "m-1", "provider_id": "prov-1", "service_date": SERVICE_DATE, "items": [ITEM], **changes}


def post(client: Client, path: str, body: Any, key: str | None = None, **headers: str) -> Any:
    """A POST of JSON below `/api/v1/`."""
    if key is not None:
        headers["Idempotency-Key"] = key
    return client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)


def submit(client: Client, claim: Any = None, key: str | None = None) -> Any:
    """Submits a claim."""
    return post(client, "claims", a_claim() if claim is None else claim, key)
