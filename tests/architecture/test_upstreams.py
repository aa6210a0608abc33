"""Upstreams are named in one place: a new one needs no counting, and moves nothing of the others."""

import pytest

from gateway_clients.conf import SERVICES
from gateway_clients.gateway import Gateway
from gateway_clients.services.base import Service
from sandbox import places
from sandbox.services import OPERATIONS


def test_every_upstream_has_a_port_of_its_own() -> None:
    assert len(set(SERVICES.values())) == len(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_every_upstream_has_a_typed_client_and_a_part_in_the_sandbox(name: str) -> None:
    client = getattr(Gateway, name)

    assert isinstance(client, Service)
    assert client.name == name
    assert OPERATIONS[name]


def test_order_of_the_upstreams_moves_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {place.service: place.port for place in places.places_in_a_row("127.0.0.1", 18000)}
    monkeypatch.setattr(places, "SERVICES", {"optician": 8099, **dict(reversed(SERVICES.items()))})
    after = {place.service: place.port for place in places.places_in_a_row("127.0.0.1", 18000)}

    assert before == {name: port + 10_000 for name, port in SERVICES.items()}
    assert after == {**before, "optician": 18099}
