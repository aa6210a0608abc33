"""The handler that the server calls: which addresses it remembers, and that it answers each by its own."""

import io
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.urls import Resolver404, resolvers

from bff_project.wsgi import GatewayHandler


def _request(path: str) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.input": io.BytesIO()})


def test_an_address_without_arguments_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, first, again = GatewayHandler(), _request("/graphql"), _request("/graphql")
    handler.resolve_request(first)

    def fail(*_: Any) -> None:
        raise AssertionError("looked up again")

    monkeypatch.setattr(resolvers.URLResolver, "resolve", fail)
    handler.resolve_request(again)

    assert again.resolver_match is first.resolver_match
    assert again.resolver_match is not None
    assert again.resolver_match.route == "graphql"


def test_an_address_with_arguments_is_looked_up_each_time_and_not_kept() -> None:
    handler = GatewayHandler()
    found = [handler.resolve_request(_request(f"/api/v1/dashboard/{member}")) for member in ("m-1", "m-2", "m-1")]
    handler.resolve_request(_request("/admin/whatever"))

    assert [match.kwargs["member_id"] for match in found] == ["m-1", "m-2", "m-1"]
    assert handler._matches == {}


def test_an_address_that_is_none_is_not_kept() -> None:
    handler = GatewayHandler()
    for _ in range(2):
        with pytest.raises(Resolver404):
            handler.resolve_request(_request("/graphql/more"))

    assert handler._matches == {}
