"""What of an account the access rules see, without the account: it is asked for with every request."""

from functools import lru_cache
from typing import ClassVar, Final

import msgspec
from django.db import OperationalError

from gateway_clients.database.breaker import database_breaker
from gateway_clients.edge.access import Role

MAX_KEPT: Final = 2048
#: Who may go on from memory while the database is down; whatever others see is written down before they do.
MEMBER_ALONE: Final = frozenset({Role.MEMBER})


class SignedInCaller(msgspec.Struct, frozen=True, kw_only=True):
    """An account at the moment of a request; who needs more of it fetches the account by `pk`."""

    #: As Django and DRF ask whether somebody is signed in.
    is_authenticated: ClassVar[bool] = True

    pk: int
    member_id: str | None
    provider_id: str | None
    roles: frozenset[str]
    is_staff: bool = False


@lru_cache(maxsize=MAX_KEPT)
def caller_from(
    pk: int, member_id: str | None, provider_id: str | None, is_admin: bool, is_staff: bool
) -> SignedInCaller:
    """The caller of an account's row. Made of these values alone, so that one that is kept is never out of date."""
    return SignedInCaller(
        pk=pk,
        member_id=member_id,
        provider_id=provider_id,
        roles=roles_of(is_member=member_id is not None, is_provider=provider_id is not None, is_admin=is_admin),
        is_staff=is_staff,
    )


def require_database_for(caller: SignedInCaller) -> None:
    """Checks that a caller whom the process remembers may go on. Raises OperationalError where the database is down."""
    if caller.roles != MEMBER_ALONE and database_breaker().is_open:
        raise OperationalError("Without the database nobody can write down what others than members see.")


def roles_of(*, is_member: bool, is_provider: bool, is_admin: bool) -> frozenset[str]:
    """The roles that an account has."""
    held = {Role.MEMBER: is_member, Role.PROVIDER: is_provider, Role.ADMIN: is_admin}
    return frozenset(role for role, is_held in held.items() if is_held)
