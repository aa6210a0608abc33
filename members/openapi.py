"""How the OpenAPI document tells of access tokens and session cookies."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from members.session_authentication import PLAIN_NAME, SECURE_NAME


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular
    """`Authorization: Bearer` with an access token."""

    target_class = "members.authentication.AccessTokenAuthentication"
    name = "access_token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Describes bearer tokens (JWT)."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of `POST /api/v1/auth/login`: a signed JWT with one fixed algorithm, "
            "issuer, audience and type, checked as RFC8725 recommends. What an account may do is read from the "
            "account, not from the token. Portals take it for an opaque text.",
        }


class DocumentLinkScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular
    """The link of a document is a parameter of the one address that it opens, and no scheme of the others."""

    target_class = "members.authentication.DocumentLinkAuthentication"
    name: list[str] = []  # noqa: RUF012 - drf-spectacular's own

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        """None."""
        return []

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        """None."""
        return []


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular
    """The cookie of a browser's session."""

    target_class = "members.session_authentication.SessionAuthentication"
    name = "session_cookie"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Describes the session cookie."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": SECURE_NAME,
            "description": 'Set by `POST /api/v1/auth/login` with `"session": "cookie"`; no script can read it. Send '
            "`X-CSRF: 1` with it, from the gateway's own origin or one that it allows, and no token. In development "
            f"over plain HTTP its name is `{PLAIN_NAME}`.",
        }
