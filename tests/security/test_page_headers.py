"""What browsers are told with every page and answer, and what stands in for Django's checks that are off."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from gateway_clients.edge.rest.documentation import PAGES
from members.models import Account
from tests.support.portals import fast_passwords, own_counters, portal, signed_in

__all__ = ["fast_passwords", "own_counters", "portal", "signed_in"]

pytestmark = pytest.mark.django_db
HTML: Final = "text/html, */*;q=0.8"
#: Addresses that name something, with something that is not there: an error page, or the page of a list.
ARGUMENT: Final = re.compile(r"<[^>]+>|\(\?P<[^)]*\)|\\.")
INLINE: Final = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", re.IGNORECASE)
PAGE_HEADERS: Final = {
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def plain_addresses(patterns: Any, prefix: str = "/") -> Iterator[str]:
    """Every address without an argument."""
    for pattern in patterns:
        address = prefix + re.sub(r"[\^$]|\\Z", "", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from plain_addresses(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern) and not ARGUMENT.search(address):
            yield address


@pytest.fixture
def staff(settings: Any) -> Client:
    """A superuser's client, which is shown an error instead of having it raised."""
    settings.GRAPHIQL = True
    client = Client(raise_request_exception=False)
    client.force_login(Account.objects.create_superuser("boss@example.com", "a-long-password-of-staff"))
    return client


def pages(client: Client) -> dict[str, Any]:
    """Every page that there is without an argument, by its address; pages of errors and of the documentation too."""
    # "/admin/logout/" ends the session, and takes a POST alone.
    addresses = {*plain_addresses(get_resolver().url_patterns)} - {"/admin/logout/"}
    addresses |= {"/admin/nowhere/", "/admin/members/account/999999/change/", *(f"/docs/{name}" for name in PAGES)}
    answers = {address: client.get(address, headers={"Accept": HTML}) for address in sorted(addresses)}
    return {
        address: answer
        for address, answer in answers.items()
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.status_code // 100 != 3
    }


def test_every_page_is_held_to_the_same_policies_without_an_exception(staff: Client) -> None:
    found = pages(staff)

    assert {"/", "/api-docs", "/graphql", "/docs/", "/admin/", "/admin/nowhere/", "/admin/password_change/"} <= {*found}
    assert len(found) > 30
    for address, answer in found.items():
        assert {name: answer[name] for name in PAGE_HEADERS} == PAGE_HEADERS, address
        assert "camera=()" in answer["Permissions-Policy"], address
        policy = answer["Content-Security-Policy"]
        assert re.search(r"default-src '(self|none)'(;|$)", policy), address
        assert "frame-ancestors 'none'" in policy, address
        assert [word for word in ("unsafe", "nonce", "*", "http") if word in policy] == [], address
        assert INLINE.findall(answer.content.decode()) == [], address


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("get", "/admin/login/", 200), ("post", "/admin/login/", 403), ("get", "/admin/", 302)],
)
def test_who_is_not_signed_in_is_shown_pages_under_the_same_policies(method: str, address: str, status: int) -> None:
    answer = Client(enforce_csrf_checks=True).generic(method.upper(), address)

    assert answer.status_code == status
    assert {name: answer[name] for name in PAGE_HEADERS} == PAGE_HEADERS
    assert "default-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("address", ["/api/v1/auth/me", "/api/v1/nowhere", "/health", "/static/gateway/icon.svg"])
def test_no_other_origin_may_embed_an_answer(portal: Client, address: str) -> None:
    answer = portal.get(address)

    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Permissions-Policy" not in answer
    answer.close()


def test_an_origin_of_the_list_is_still_allowed_to_read_an_answer(signed_in: Any, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://portal.example.com"]

    answer = signed_in(member_id="m-1").get("/api/v1/auth/me", headers={"Origin": "https://portal.example.com"})

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "https://portal.example.com")


def sets_what_djangos_middleware_would(client: Client) -> bool:
    answer = client.get("/admin/login/")
    names = ("X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy")
    return [answer[name] for name in names] == ["nosniff", "same-origin", "same-origin"]


def forbids_frames(client: Client) -> bool:
    return bool(client.get("/admin/login/")["X-Frame-Options"] == "DENY")


def refuses_forms_of_other_pages(client: Client) -> bool:
    return client.post("/admin/login/", {"username": "a@example.com", "password": "x"}).status_code == 403


#: By the check of Django's that is off: what holds in its place.
COVERED: Final[dict[str, Callable[[Client], bool]]] = {
    "security.W001": sets_what_djangos_middleware_would,
    "security.W002": forbids_frames,
    "security.W003": refuses_forms_of_other_pages,
}


def test_each_check_that_is_off_is_covered() -> None:
    assert set(settings.SILENCED_SYSTEM_CHECKS) == set(COVERED)
    assert {name: holds(Client(enforce_csrf_checks=True)) for name, holds in COVERED.items()} == dict.fromkeys(
        COVERED, True
    )
