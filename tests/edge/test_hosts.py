"""Which hosts the gateway answers for; each is checked once."""

from typing import Any

import pytest
from django.core.exceptions import DisallowedHost
from django.test import RequestFactory

from gateway_clients.edge import hosts


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.ALLOWED_HOSTS = [".portal.example"]


def _check(host: str, **meta: str) -> None:
    hosts.check_host(RequestFactory().get("/", headers={"Host": host}, **meta))


def test_a_host_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _check("a.portal.example")

    def fail(_request: object) -> str:
        raise AssertionError("checked again")

    monkeypatch.setattr("django.http.HttpRequest.get_host", fail)
    _check("a.portal.example")
    with pytest.raises(AssertionError):
        _check("b.portal.example")


@pytest.mark.parametrize("host", ["evil.example", "a.portal.example.evil.example", "a b", "a.portal.example/x", ""])
def test_a_foreign_host_is_refused_however_often_it_is_tried(host: str) -> None:
    _check("a.portal.example")
    for _ in range(3):
        with pytest.raises(DisallowedHost):
            _check(host)


def test_a_proxys_host_is_checked_though_its_own_is_known(settings: Any) -> None:
    settings.USE_X_FORWARDED_HOST = True
    _check("a.portal.example")

    for _ in range(2):
        with pytest.raises(DisallowedHost):
            _check("a.portal.example", HTTP_X_FORWARDED_HOST="evil.example")


def test_other_settings_hold_at_once(settings: Any) -> None:
    _check("a.portal.example")
    settings.ALLOWED_HOSTS = ["other.example"]

    with pytest.raises(DisallowedHost):
        _check("a.portal.example")


def test_no_more_than_a_bound_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MAX_KEPT", 3)
    for number in range(7):
        _check(f"h{number}.portal.example")

    assert len(hosts._known) == 1
