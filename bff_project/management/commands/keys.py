"""`manage.py keys`: which key is still used by how much, so that an old one can be taken out."""

from typing import Any, Final

from django.core.management.base import BaseCommand

from bff_project.key_usage import key_uses

LINE: Final = "{setting:24} {key:44} {does:9} {count:>10}  {what}"


class Command(BaseCommand):
    """Prints the names of keys, which tell nothing of them."""

    help = (
        "Which key of each setting signs, and how much of what is kept hangs on each. One that only verifies, and on "
        "which nothing hangs, can be taken out."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """A line for each key and each kind of thing."""
        self.stdout.write(LINE.format(setting="setting", key="key", does="does", count="count", what="of"))
        for use in key_uses():
            count = "unknown" if use.count is None else str(use.count)
            self.stdout.write(
                LINE.format(setting=use.setting, key=use.key, does=use.does, count=count, what=use.what).rstrip()
            )
