"""Makes accounts of members in a gateway's database, and prints their access tokens; run with its settings."""

import sys

import django

django.setup()

from members import token_families  # noqa: E402 - needs the setup above
from members.models import Account  # noqa: E402


def main(count: int) -> None:
    """Prints a token in each line: of the member m-0, m-1 and so on."""
    accounts = [
        Account(email=f"bench-{number}@example.org", member_id=f"m-{number}", password="!") for number in range(count)
    ]
    for account in accounts:
        account.save()
        print(token_families.begin(account).access)


if __name__ == "__main__":
    main(int(sys.argv[1]))
