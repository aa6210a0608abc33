"""How the OpenAPI document tells of the access token."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular
    """`Authorization: Bearer` with an access token."""

    target_class = "members.authentication.AccessTokenAuthentication"
    name = "access_token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Bearer, a JWT."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of `POST /api/v1/auth/login`.",
        }
