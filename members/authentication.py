"""Who a request's access token belongs to."""

import time
import uuid
from functools import cache
from typing import Any, ClassVar, Final

from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from gateway_clients.caching.store import cluster
from gateway_clients.edge.errors import TokenExpiredError, UnauthenticatedError
from members import document_links
from members.account_changes import tag_of_account, tag_of_family
from members.caller import SignedInCaller, caller_from, require_database_for
from members.token_cache import VERIFIED, TokenClaims
from members.token_settings import setting

#: How the addresses end that a link may open.
LINKED: Final = "/content"
#: Seconds for which an account that was looked up is not looked up again, unless a change of it is told.
KEPT_SECONDS: Final = 60.0
#: What a caller takes in memory, with its name and tags.
CALLER_BYTES: Final = 500

#: By hand, since it runs for each request and the ORM takes five times as long to write it.
LIVING: Final = (
    "SELECT account.id, account.member_id, account.provider_id, account.is_admin, account.is_staff "
    "FROM members_tokenfamily family JOIN members_account account ON account.id = family.account_id "
    "WHERE family.id = %s AND family.revoked_at IS NULL AND family.epoch = account.token_epoch AND account.is_active"
)

LIVING_IN_SQLITE: Final = LIVING.replace("%s", "?")


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with an access token whose family is alive and whose account is active at this moment."""

    takes_any_request: ClassVar = True

    def authenticate(self, request: Request | HttpRequest) -> tuple[SignedInCaller, TokenClaims] | None:
        """Returns the caller and the claims of the token; None without such a header.

        Raises TokenExpiredError for a token whose time is over, UnauthenticatedError for any other dead one, and for
        a header that says nothing: the HTTP server empties one with letters beyond ASCII.
        """
        name, schemes = _header()
        header = request.META.get(name)
        if header is None:
            return None
        scheme, _, text = header.partition(" ")
        if not scheme:
            raise UnauthenticatedError
        if scheme.lower() not in schemes:
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
        """Returns the challenge of a 401."""
        return str(setting("AUTH_HEADER_TYPES")[0])


@cache
def _header() -> tuple[str, frozenset[str]]:
    """The header that a token stands in, and the schemes it may have."""
    return setting("AUTH_HEADER_NAME"), frozenset(each.lower() for each in setting("AUTH_HEADER_TYPES"))


def forget(**_: object) -> None:
    """Read anew the next time somebody asks what `SIMPLE_JWT` says of the header."""
    _header.cache_clear()


setting_changed.connect(forget)


class DocumentLinkAuthentication(BaseAuthentication):
    """The `link` in the query of a document's address, once. A HEAD does not use it up."""

    takes_any_request: ClassVar = True

    def authenticate(self, request: Request | HttpRequest) -> tuple[SignedInCaller, None] | None:
        """Returns the account behind the link; None without a link. Raises UnauthenticatedError for an invalid one."""
        if not request.path.endswith(LINKED):
            return None
        token = request.GET.get("link")
        if token is None:
            return None
        caller = document_links.redeem(token, request.path, is_spent=request.method == "GET")
        if caller is None:
            raise UnauthenticatedError("The link was followed before, or its time is over")
        return caller, None

    def authenticate_header(self, request: Request) -> str:
        """Returns the challenge of a 401, which DRF takes from the first authenticator."""
        return str(setting("AUTH_HEADER_TYPES")[0])


def living_caller(family_id: uuid.UUID) -> SignedInCaller | None:
    """Returns the caller of a token family, if both are active and the password is that of the sign-in.

    The answer may be up to `KEPT_SECONDS` old, but never older than a change that `account_changes` has told. Raises
    OperationalError for others than members while the database is down.
    """
    near, name = cluster().near, f"family:{family_id}"
    kept: SignedInCaller | None = near.get(name)
    if kept is not None:
        require_database_for(kept)
        return kept
    asked_at = time.monotonic()
    row = _row(connections[DEFAULT_DB_ALIAS], family_id)
    if row is None:
        return None
    pk, member_id, provider_id, is_admin, is_staff = row
    caller = caller_from(pk, member_id, provider_id, bool(is_admin), bool(is_staff))
    tags = (tag_of_family(family_id), tag_of_account(pk))
    near.put(name, caller, tags=tags, size_bytes=CALLER_BYTES, seconds=KEPT_SECONDS, asked_at=asked_at)
    return caller


def _row(database: BaseDatabaseWrapper, family_id: uuid.UUID) -> tuple[Any, ...] | None:
    """Reads the row by Django's cursor, but past it where SQLite answers.

    Measured (`tests.bench.pairs`, 2026-11-29): Django's cursor on SQLite takes 1.079 ± 0.015
    times as much processor time for a kept dashboard (warm-rest).
    """
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
