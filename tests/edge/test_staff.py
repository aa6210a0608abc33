"""What staff's pages need and nobody else: sessions, messages, protection of forms."""

from typing import Any

import pytest
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from gateway_clients.edge.http.staff_middleware import (
    StaffAuthenticationMiddleware,
    StaffCsrfMiddleware,
    StaffMessageMiddleware,
    StaffSessionMiddleware,
)

KINDS = (StaffSessionMiddleware, StaffCsrfMiddleware, StaffAuthenticationMiddleware, StaffMessageMiddleware)


def a_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{hasattr(request, 'session')} {hasattr(request, 'user')} {hasattr(request, '_messages')}")


@pytest.fixture
def chain() -> Any:
    """Staff's middlewares as Django puts them around each other."""
    handler: Any = convert_exception_to_response(a_view)
    for kind in reversed(KINDS):
        handler = convert_exception_to_response(kind(handler))
    return handler


def test_staffs_requests_pass_all_and_others_none(chain: Any) -> None:
    assert chain(RequestFactory().get("/admin/")).content == b"True True True"
    assert chain(RequestFactory().get("/api/v1/members")).content == b"False False False"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("is_secure", "is_production", "flag"), [(True, False, True), (False, False, ""), (False, True, True)]
)
def test_cookies_are_for_tls_alone_where_they_are_given_over_it_and_outside_development(
    client: Client, is_secure: bool, is_production: bool, flag: object, settings: Any
) -> None:
    settings.CSRF_COOKIE_SECURE = is_production
    answer = client.get("/admin/login/", secure=is_secure)

    assert {name: cookie["secure"] for name, cookie in answer.cookies.items()} == {"csrftoken": flag}


@pytest.mark.django_db
def test_staff_whose_cookies_did_not_arrive_are_told_so_and_not_taken_for_nobody(client: Client) -> None:
    answer = client.get("/admin/", **{"gateway.cookies_lost": True})

    assert answer.status_code == 400
    assert "cookies cannot be read" in answer.content.decode()
    assert not answer.cookies
    assert client.get("/api-docs", **{"gateway.cookies_lost": True}).status_code == 200
