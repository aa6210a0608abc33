"""Makes the database of a cluster of processes, and prints access tokens; run with the settings of that cluster."""

import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - needs the setup above

from members import token_families  # noqa: E402
from members.models import Account  # noqa: E402


def main(count: int) -> None:
    """Prints the tokens of so many new accounts, all of whom may submit for anybody."""
    call_command("migrate", verbosity=0)
    accounts = [Account(email=f"{number}@example.org", is_admin=True, password="!") for number in range(count)]
    Account.objects.bulk_create(accounts)
    print(json.dumps([token_families.begin(account).access for account in accounts]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
