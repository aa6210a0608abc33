"""Changes one password eight times at once, and prints what became of it; run with a database of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - needs the setup above
from django.db import connection  # noqa: E402

from gateway_clients.edge.errors import ApiError  # noqa: E402
from members import passwords, token_families  # noqa: E402
from members.authentication import living_caller  # noqa: E402
from members.models import Account, TokenFamily, accounts  # noqa: E402

OLD = "the-first-password"


def main() -> None:
    """Prints the eight outcomes, sorted; whether the winner's holds, and how many sign-ins from before live on."""
    call_command("migrate", verbosity=0)
    account = Account.objects.create_user("a@example.com", OLD)
    token_families.begin(account)
    together = threading.Barrier(8)
    hashed = accounts.make_password

    def make_password(password: str) -> str:
        made = hashed(password)
        together.wait(timeout=20)
        return made

    accounts.make_password = make_password

    def attempt(number: int) -> str:
        try:
            passwords.change_password(Account.objects.get(), current=OLD, new=f"another-password-{number}")
        except ApiError as error:
            return error.code
        finally:
            connection.close()
        return str(number)

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(attempt, range(8)))
    found = Account.objects.get()
    living = [family for family in TokenFamily.objects.all() if living_caller(family.pk) is not None]
    print(*outcomes[1:], found.check_password(f"another-password-{outcomes[0]}"), len(living))


if __name__ == "__main__":
    main()
