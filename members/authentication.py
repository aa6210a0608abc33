"""Who a request's access token belongs to."""

import uuid
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from gateway_clients.edge.errors import TokenExpiredError, UnauthenticatedError
from members.caller import SignedInCaller, caller_from
from members.token_cache import VERIFIED, TokenClaims

SCHEME: Final = "bearer"

#: By hand, since it runs for each request and the ORM takes five times as long to write it.
LIVING: Final = (
    "SELECT account.id, account.member_id, account.provider_id, account.is_admin "
    "FROM members_tokenfamily family JOIN members_account account ON account.id = family.account_id "
    "WHERE family.id = %s AND family.revoked_at IS NULL AND family.epoch = account.token_epoch AND account.is_active"
)

LIVING_IN_SQLITE: Final = LIVING.replace("%s", "?")


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with an access token whose family is alive and whose account is active at this moment."""

    def authenticate(self, request: Request | HttpRequest) -> tuple[SignedInCaller, TokenClaims] | None:
        """Who it is, and the claims; None without such a header.

        Raises TokenExpiredError for a token whose time is over, UnauthenticatedError for any other dead one, and for
        a header that says nothing: the HTTP server empties one with letters beyond ASCII.
        """
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _, text = header.partition(" ")
        if not scheme:
            raise UnauthenticatedError
        if scheme.lower() != SCHEME:
            return None
        try:
            claims = VERIFIED.claims_of(text.strip())
        except ExpiredTokenError:
            raise TokenExpiredError from None
        except (TokenError, ValueError):
            raise UnauthenticatedError from None
        caller = living_caller(claims.family_id)
        if caller is None or str(caller.pk) != claims.account_id:
            raise UnauthenticatedError
        return caller, claims

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


def living_caller(family_id: uuid.UUID) -> SignedInCaller | None:
    """Who a token family belongs to, if both are alive and the password is the same as at sign-in."""
    row = _row(connections[DEFAULT_DB_ALIAS], family_id)
    if row is None:
        return None
    pk, member_id, provider_id, is_admin = row
    return caller_from(pk, member_id, provider_id, bool(is_admin))


def _row(database: BaseDatabaseWrapper, family_id: uuid.UUID) -> tuple[Any, ...] | None:
    """By Django's cursor; but past it where SQLite answers, as there the cursor takes longer than the query."""
    found: tuple[Any, ...] | None
    if database.vendor == "sqlite":
        database.ensure_connection()
        with database.wrap_database_errors:
            found = database.connection.execute(LIVING_IN_SQLITE, (family_id.hex,)).fetchone()
    else:
        with database.cursor() as cursor:
            cursor.execute(LIVING, [family_id])
            found = cursor.fetchone()
    return found
