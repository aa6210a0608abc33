"""Where the services of the sandbox are met: the settings' addresses that are on this machine, or a row of ports."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from gateway_clients.conf import SERVICES, upstream_conf

#: Default ports stand behind this one.
FIRST_PORT: Final = 8000
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one service listens. `setting` is what to change when it can't."""

    service: str
    host: str
    port: int
    setting: str


def places_of_settings() -> tuple[Place, ...]:
    """The services whose `*_SERVICE_URL` is plain HTTP on a loopback address."""
    places = []
    for service in SERVICES:
        url = urlsplit(upstream_conf(service).base_url)
        if url.scheme == "http" and url.hostname and is_loopback(url.hostname):
            setting = f"{service.upper()}_SERVICE_URL"
            places.append(Place(service=service, host=url.hostname, port=url.port or 80, setting=setting))
    return tuple(places)


def places_in_a_row(host: str, base_port: int) -> tuple[Place, ...]:
    """Every service, as far behind `base_port` as its default port is behind 8000."""
    return tuple(
        Place(service=service, host=host, port=base_port + port - FIRST_PORT, setting="--base-port")
        for service, port in SERVICES.items()
    )


def places_anywhere(services: Iterable[str], host: str = LOOPBACK) -> tuple[Place, ...]:
    """These services on ports that the system chooses."""
    return tuple(Place(service=service, host=host, port=0, setting="port") for service in services)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
