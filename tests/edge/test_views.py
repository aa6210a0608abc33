"""The base of all views: denied by default, refused before anything is called."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from gateway_clients.edge.access.rules import rule_of
from gateway_clients.edge.rest.views import GatewayViewSet
from tests.edge import sample_urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.edge.sample_urls")]

#: Views that are open without being viewsets of ours: pages, the OpenAPI document, public keys, health, redirects.
OPEN_ELSEWHERE = {
    "",
    ".well-known/jwks.json",
    "admin",
    "api-docs",
    "api/v1/schema",
    "docs",
    "docs/",
    "docs/<slug:name>",
    "favicon.ico",
    "graphql",
    "health",
    "health/ready",
}


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    sample_urls.calls.clear()


def test_a_member_gets_their_own(signed_in: Any) -> None:
    answer = signed_in(member_id="m-1").get("/api/v1/sample/m-1?limit=7")

    assert (answer.status_code, answer.json()["limit"], sample_urls.calls) == (200, 7, ["m-1"])


def test_another_members_is_refused_and_nothing_is_called(signed_in: Any) -> None:
    answer = signed_in(member_id="m-1").get("/api/v1/sample/m-2")

    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (403, "forbidden", "Access denied")
    assert sample_urls.calls == []


def test_an_action_without_a_rule_is_refused_even_to_an_admin(signed_in: Any) -> None:
    assert signed_in(is_admin=True).get("/api/v1/sample-forgotten").status_code == 403
    assert sample_urls.calls == []


def test_without_a_token_it_is_401_and_says_how_to_sign_in(portal: Client) -> None:
    answer = portal.get("/api/v1/sample/m-1")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer["WWW-Authenticate"] == "Bearer"
    assert sample_urls.calls == []


@pytest.mark.parametrize("token", ["x", "a.b.c", "", "\x00", "Bearer x", "é"])
def test_a_token_that_is_none_is_401(portal: Client, token: str) -> None:
    assert portal.get("/api/v1/sample/m-1", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/sample/m%00", "/api/v1/sample/m.1", f"/api/v1/sample/{'m' * 65}"])
def test_a_bad_id_in_a_path_is_404(signed_in: Any, path: str) -> None:
    answer = signed_in(is_admin=True).get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_another_method_is_405_and_says_which_are_allowed(signed_in: Any) -> None:
    answer = signed_in(member_id="m-1").delete("/api/v1/sample/m-1")

    assert (answer.status_code, answer.json()["code"], answer["Allow"]) == (405, "method_not_allowed", "GET, HEAD")


def test_a_view_and_its_request_are_gone_when_it_is_answered(signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Any]] = []
    make = GatewayViewSet.initialize_request

    def remembered(view: GatewayViewSet, request: Any, **kwargs: Any) -> Any:
        drf_request = make(view, request, **kwargs)
        made.extend(map(weakref.ref, (view, drf_request)))
        return drf_request

    monkeypatch.setattr(GatewayViewSet, "initialize_request", remembered)
    client = signed_in(member_id="m-1")
    gc.disable()
    try:
        client.get("/api/v1/sample/m-1")
        left = [ref() for ref in made]
    finally:
        gc.enable()

    assert left == [None, None]


@pytest.mark.parametrize(
    ("accept", "status"),
    [("*/*", 200), ("application/json", 200), ("text/html,*/*;q=0.8", 200), ("application/*", 200), ("text/html", 406)],
)
def test_the_form_of_the_answer_is_negotiated(signed_in: Any, accept: str, status: int) -> None:
    answer = signed_in(member_id="m-1").get("/api/v1/sample/m-1", headers={"Accept": accept})

    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "not_acceptable"


def test_every_action_of_the_gateway_has_a_rule_or_is_known_to_be_open() -> None:
    for route, pattern in _patterns(get_resolver("bff_project.urls")):
        view_class = getattr(pattern.callback, "cls", None)
        if view_class is not None and issubclass(view_class, GatewayViewSet):
            for action in pattern.callback.actions.values():
                assert rule_of(getattr(view_class, action)) is not None, f"{route}: {action} has no access rule"
        else:
            assert route.startswith("admin/") or route in OPEN_ELSEWHERE, f"{route} has no access rule"


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern, route)
        else:
            yield route, pattern
