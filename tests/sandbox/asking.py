"""Requests that the tests of the sandbox have in common."""

import socket
from typing import Any
from uuid import uuid4

import requests

from sandbox.testing import Sandbox

ELIGIBILITY = {"member_id": "m-1", "provider_id": "prov-1", "service_date": "2026-03-10"}
NOTICE = {"type": "claim_submitted", "claim_id": "clm-1", "user_id": "account-1", "channel": ["email", "push"]}
UPLOAD: dict[str, Any] = {"member_id": (None, "m-1"), "file": ("x-ray.png", b"\x89PNG\r\n\x1a\n", "image/png")}


def key() -> dict[str, str]:
    """A header with an idempotency key that nobody used yet."""
    return {"Idempotency-Key": str(uuid4())}


def submission(**changes: Any) -> dict[str, Any]:
    """A claim that the claims service takes."""
    return {
        "member_id": "m-1",
        "provider_id": "prov-1",
        "service_date": "2026-03-10",
        "items": [{"benefit_code": "CONS-GP", "amount": 150_000, "quantity": 2}],
        "eligibility": {"is_eligible": True},
        "benefit_validations": [{"benefit_code": "CONS-GP", "is_covered": True, "coverage_amount": 300_000}],
        "submitted_by": "account-1",
        **changes,
    }


def a_claim(sandbox: Sandbox, status: str, **asked: str) -> dict[str, Any]:
    """The newest claim of m-1 in that status."""
    query = {"member_id": "m-1", "status": status, "limit": "1", **asked}
    items = requests.get(f"{sandbox.url('claims')}/claims", params=query, timeout=5).json()["items"]
    found: dict[str, Any] = items[0]
    return found


def raw(url: str, target: str, *, wait_seconds: float = 5.0, limit: int = 1_000_000) -> tuple[bytes, str]:
    """What comes back for a GET, and how it ended: closed, reset, open (nothing more in time) or limit (too much)."""
    host, port = url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=wait_seconds) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        while len(received) < limit:
            try:
                piece = client.recv(65_536)
            except TimeoutError:
                return received, "open"
            except ConnectionResetError:
                return received, "reset"
            if not piece:
                return received, "closed"
            received += piece
    return received, "limit"
