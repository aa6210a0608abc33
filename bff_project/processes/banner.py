"""What `make run` says when all is up: the addresses, the demo accounts, and a first call."""

from collections.abc import Iterable
from typing import Protocol


class Account(Protocol):
    """What is said about a demo account."""

    @property
    def email(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def member_id(self) -> str | None: ...
    @property
    def note(self) -> str: ...


def greeting(
    *, port: int, metrics_port: int | None, sandbox: Iterable[str], redis: str, logs: str, accounts: Iterable[Account]
) -> str:
    """The whole text; it ends with the first call, so that it stands just above the prompt."""
    people = tuple(accounts)
    base = f"http://localhost:{port}"
    addresses = {
        "Start page": f"{base}/",
        "API docs": f"{base}/api-docs",
        "GraphQL": f"{base}/graphql",
        "Admin": f"{base}/admin/",
        "Health": f"{base}/health",
        "Metrics": f"http://localhost:{metrics_port}/metrics" if metrics_port else "off (ENABLE_METRICS)",
        "Sandbox": ", ".join(sandbox) or "not started: no *_SERVICE_URL points to this machine",
        "Redis": redis,
        "Logs": logs,
    }
    width = max((len(person.email) for person in people), default=0)
    first_call = [
        line
        for person in people
        if person.member_id is not None
        for line in ("", "A first call, as it stands:", f"  {dashboard_call(base, person)}")
    ][:3]
    return "\n".join(
        [
            "",
            "Web BFF is up. Ctrl-C ends all of it.",
            "",
            *(f"  {name:<11} {address}" for name, address in addresses.items()),
            "",
            "Demo accounts:",
            *(f"  {person.email:<{width}}  {person.password}  {person.note}" for person in people),
            *first_call,
            "",
        ]
    )


def dashboard_call(base: str, account: Account) -> str:
    """One line that signs in and asks for the account's own dashboard, with nothing but curl and sed."""
    sign_in = (
        f"curl -s {base}/api/v1/auth/login -H 'Content-Type: application/json' "
        f"""-d '{{"email":"{account.email}","password":"{account.password}"}}'"""
    )
    pick_it = """sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/'"""
    return f'curl -s {base}/api/v1/dashboard/{account.member_id} -H "Authorization: Bearer $({sign_in} | {pick_it})"'
