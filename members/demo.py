"""The demo accounts, which fit the sandbox's data. Never in production."""

from dataclasses import dataclass
from typing import Final

from members.models import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """An account to try the gateway with."""

    email: str
    password: str
    name: str
    note: str
    roles: tuple[str, ...] = ()
    member_id: str | None = None
    provider_id: str | None = None
    is_staff: bool = False


DEMO_ACCOUNTS: Final[tuple[DemoAccount, ...]] = (
    DemoAccount(
        email="siti.rahayu@example.com",
        password="demo-member-1",  # noqa: S106 - for the demo
        name="Siti Rahayu",
        note="a member",
        roles=("member",),
        member_id="m-1",
    ),
    DemoAccount(
        email="second.member@example.com",
        password="demo-member-2",  # noqa: S106 - for the demo
        name="Second Member",
        note="a second member",
        roles=("member",),
        member_id="m-2",
    ),
    DemoAccount(
        email="provider@example.com",
        password="demo-provider-1",  # noqa: S106 - for the demo
        name="Provider Portal",
        note="a provider",
        roles=("provider",),
        provider_id="prov-1",
    ),
    DemoAccount(
        email="admin@example.com",
        password="demo-admin-1",  # noqa: S106 - for the demo
        name="Admin Console",
        note="an admin",
        roles=("admin",),
    ),
    DemoAccount(
        email="staff@example.com",
        password="demo-staff-1",  # noqa: S106 - for the demo
        name="Staff",
        note="staff, for /admin/",
        is_staff=True,
    ),
)


def load() -> None:
    """Makes the demo accounts that are not there; those that are become again what they are here."""
    for demo in DEMO_ACCOUNTS:
        account = Account.objects.filter(email=demo.email).first() or Account(email=demo.email)
        account.name = demo.name
        account.member_id, account.provider_id = demo.member_id, demo.provider_id
        account.is_admin = "admin" in demo.roles
        account.is_staff = account.is_superuser = demo.is_staff
        account.is_active = True
        if account.pk is None or not account.check_password(demo.password):
            account.set_password(demo.password)
        account.full_clean()
        account.save()
