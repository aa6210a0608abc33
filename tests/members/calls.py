"""Calls of the addresses of sign-in."""

from typing import Any

from django.test import Client

PASSWORD = "a-good-password"


def post(client: Client, call: str, body: dict[str, Any], token: str | None = None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.post(f"/api/v1/auth/{call}", body, "application/json", headers=headers)


def sign_in(client: Client, email: str = "siti@example.com", password: str = PASSWORD) -> Any:
    return post(client, "login", {"email": email, "password": password})


def me(client: Client, token: str) -> int:
    return int(client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code)
