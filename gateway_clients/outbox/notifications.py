"""What an account is told by the notification service: written with its cause, sent by the worker."""

from typing import Any, Final

#: The kind of such messages, which `OUTBOX_HANDLERS` has a handler for.
NOTIFY: Final = "notification.send"
CHANNELS: Final = ("email", "push")


def notification(type: str, *, account_id: str) -> tuple[str, dict[str, Any]]:
    """A message for `publisher.put`. It names the account by its id alone: whose address that is the service knows."""
    return NOTIFY, {"type": type, "user_id": account_id, "channel": list(CHANNELS)}
