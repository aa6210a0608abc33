"""From which device an account signs in: what its owner is shown in the list of their sessions."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from gateway_clients.edge.rate_limit import client_address

#: Letters that are kept of an address, and of what a browser calls itself.
ADDRESS_LENGTH: Final = 64
USER_AGENT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Device:
    """A client's address and what its browser calls itself, cut off at `USER_AGENT_LENGTH`."""

    address: str = ""
    user_agent: str = ""


def device_of(request: HttpRequest) -> Device:
    """The device that a request comes from."""
    named = request.META.get("HTTP_USER_AGENT", "")
    printable = "".join(letter for letter in named if letter.isprintable())
    return Device(address=client_address(request)[:ADDRESS_LENGTH], user_agent=printable[:USER_AGENT_LENGTH])
