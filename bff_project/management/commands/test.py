"""`manage.py test`: Django's own, which also hands what follows `--` to pytest as it is."""

from typing import Any

from django.core.management.commands.test import Command as TestCommand

SEPARATOR = "--"


class Command(TestCommand):
    """argparse refuses a `--` that comes after labels and options; here it ends what is Django's."""

    passed_on: tuple[str, ...] = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Splits the command line before Django reads it."""
        end = argv.index(SEPARATOR) if SEPARATOR in argv else len(argv)
        self.passed_on = tuple(argv[end + 1 :])
        super().run_from_argv(argv[:end])

    def handle(self, *test_labels: str, **options: Any) -> None:
        """Adds what follows `--` to the options of the runner."""
        super().handle(*test_labels, **options, passed_on=self.passed_on)
