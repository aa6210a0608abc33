"""Uses one refresh token eight times at once and prints what became of each; run with a database of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - needs the setup above
from django.db import connection  # noqa: E402

from gateway_clients.edge.errors import ApiError  # noqa: E402
from members import token_families  # noqa: E402
from members.models import Account  # noqa: E402


def main() -> None:
    """Prints the eight outcomes, sorted."""
    call_command("migrate", verbosity=0)
    account = Account.objects.create_user("a@example.com", "some-password")
    refresh = token_families.begin(account).refresh
    together = threading.Barrier(8)

    def attempt(_number: int) -> str:
        together.wait(timeout=10)
        try:
            token_families.rotate(refresh)
        except ApiError as error:
            return error.code
        finally:
            connection.close()
        return "won"

    with ThreadPoolExecutor(8) as pool:
        print(*sorted(pool.map(attempt, range(8))))


if __name__ == "__main__":
    main()
