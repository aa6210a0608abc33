"""A handler of the outbox that fails as nobody foresaw."""

from gateway_clients.models import OutboxMessage


def fail(_message: OutboxMessage) -> None:
    raise ZeroDivisionError("with words that nobody is to see")
