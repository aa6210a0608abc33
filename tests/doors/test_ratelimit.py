"""django-ratelimit as its documentation says: decorators, and what is left of the gateway's own groups and rates."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.utils.decorators import method_decorator
from django_ratelimit.core import get_usage, is_ratelimited
from django_ratelimit.decorators import ratelimit
from rest_framework.request import Request
from rest_framework.response import Response

from bff_project import urls
from gateway_clients.edge.access.rules import open_to_all
from gateway_clients.edge.rate_limit import API, api_rate, client_key
from gateway_clients.edge.rest.views import GatewayViewSet

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
RATE = "gateway_clients.edge.rate_limit.api_rate"
seen: list[Any] = []


@ratelimit(key="ip", rate="2/h")
def function(_request: HttpRequest) -> HttpResponse:
    """Twice an hour for each address."""
    seen.append("function")
    return HttpResponse("in")


@ratelimit(key="header:x-tenant", rate="1/m", block=False)
def marked(request: HttpRequest) -> HttpResponse:
    """Says whether the limit is used up."""
    return HttpResponse(str(request.limited))  # type: ignore[attr-defined]  # django-ratelimit's own mark


@ratelimit(key="ip", rate="1/h", method=ratelimit.UNSAFE)
def written(_request: HttpRequest) -> HttpResponse:
    """Writes are counted, reads are not."""
    return HttpResponse("in")


class LimitedViewSet(GatewayViewSet):
    """A viewset with a limit, and one that tells what is left."""

    @open_to_all
    @method_decorator(ratelimit(key="ip", rate="1/h"))
    def list(self, request: Request) -> Any:
        """Once an hour."""
        return Response({})

    @open_to_all
    def left(self, request: Request) -> Any:
        """The usage of the gateway's own limit."""
        return Response(get_usage(request._request, group=API, key=client_key, rate=RATE))


urlpatterns = [
    path("function", function),
    path("marked", marked),
    path("written", written),
    path("api/v1/limited", LimitedViewSet.as_view({"get": "list"})),
    path("api/v1/left", LimitedViewSet.as_view({"get": "left"})),
    *urls.urlpatterns,
]
handler403, handler404, handler500 = urls.handler403, urls.handler404, urls.handler500


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


@pytest.mark.parametrize("address", ["/function", "/api/v1/limited"])
def test_decorator_refuses_who_asks_too_often(portal: Client, address: str) -> None:
    answers = [portal.get(address) for _ in range(3)]
    let_in = 2 if address == "/function" else 1

    assert [answer.status_code for answer in answers] == [200] * let_in + [429] * (3 - let_in)
    assert answers[2].json()["code"] == "rate_limited"
    assert seen == (["function"] * 2 if address == "/function" else [])


def test_decorator_marks_a_request_where_it_does_not_block(portal: Client) -> None:
    asked = [portal.get("/marked", headers={"X-Tenant": tenant}).content for tenant in ("a", "a", "b")]

    assert asked == [b"False", b"True", b"False"]


def test_decorator_counts_the_methods_it_is_told(portal: Client) -> None:
    assert [portal.get("/written").status_code for _ in range(3)] == [200] * 3
    assert [portal.post("/written").status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("proxies", [0, 1])
def test_key_of_the_address_trusts_the_proxies_of_the_settings(portal: Client, settings: Any, proxies: int) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    statuses = [
        portal.get("/function", headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code for number in range(3)
    ]

    assert statuses == ([200] * 3 if proxies else [200, 200, 429])


def test_usage_of_the_gateways_own_limit_is_told_and_not_counted(portal: Client, settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 7
    told = [portal.get("/api/v1/left") for _ in range(3)]
    usages = [answer.json() for answer in told]

    assert [(usage["count"], usage["limit"], usage["should_limit"]) for usage in usages] == [
        (1, 7, False),
        (2, 7, False),
        (3, 7, False),
    ]
    assert [answer["RateLimit"].partition(";t=")[0] for answer in told] == [f'"default";r={left}' for left in (6, 5, 4)]
    assert all(0 < usage["time_left"] <= 900 for usage in usages)


def test_usage_can_be_asked_for_before_anything_was_counted() -> None:
    request = RequestFactory().get("/")
    usage = {"group": "fresh", "key": "ip", "rate": "1/m"}

    assert get_usage(request, **usage)["count"] == 0
    assert [is_ratelimited(request, **usage, increment=True) for _ in range(2)] == [False, True]
    assert get_usage(request, **usage)["count"] == 2


def test_rate_is_that_of_the_settings(settings: Any) -> None:
    assert api_rate(API, RequestFactory().get("/")) == (settings.RATE_LIMIT_MAX, 900)
