"""The app of people."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """Accounts, tokens, sign-in; what members see of themselves."""

    name = "members"
    verbose_name = "Members"

    def ready(self) -> None:
        """Has changes of accounts told to every process."""
        from members import account_changes

        account_changes.connect()
