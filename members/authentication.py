"""Who a request's access token belongs to."""

import uuid
from typing import Final

from django.db import connection
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError

from gateway_clients.edge.errors import UnauthenticatedError
from members.models import Account, TokenFamily
from members.verified import VERIFIED, TokenClaims

SCHEME: Final = "bearer"

#: What the rules see of an account; other fields are fetched when somebody asks for them.
FIELDS: Final = ("id", "email", "name", "member_id", "provider_id", "is_admin", "is_staff", "is_active")

#: By hand, since it runs for each request and the ORM takes five times as long to write it.
LIVING: Final = (
    f"SELECT {', '.join(f'account.{field}' for field in FIELDS)} "  # noqa: S608 - made of constants alone
    "FROM members_tokenfamily family JOIN members_account account ON account.id = family.account_id "
    "WHERE family.id = %s AND family.revoked_at IS NULL AND family.epoch = account.token_epoch AND account.is_active"
)


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with an access token whose family is alive and whose account is active at this moment."""

    def authenticate(self, request: Request | HttpRequest) -> tuple[Account, TokenClaims] | None:
        """The account and the claims; None without such a header. Raises UnauthenticatedError for a dead token."""
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        try:
            claims = VERIFIED.claims_of(text.strip())
            family_id = uuid.UUID(hex=claims.family_id)
        except (TokenError, ValueError):
            raise UnauthenticatedError from None
        account = living_account(family_id)
        if account is None or str(account.pk) != claims.account_id:
            raise UnauthenticatedError
        return account, claims

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


def living_account(family_id: uuid.UUID) -> Account | None:
    """The account of a token family, if both are alive and the password is the same as at sign-in."""
    key = TokenFamily._meta.get_field("id").get_db_prep_value(family_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(LIVING, [key])
        row = cursor.fetchone()
    if row is None:
        return None
    *texts, is_admin, is_staff, is_active = row
    return Account.from_db(connection.alias, FIELDS, [*texts, bool(is_admin), bool(is_staff), bool(is_active)])
