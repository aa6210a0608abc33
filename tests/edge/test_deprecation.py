"""What is declared deprecated says so in its answers, in the OpenAPI document and in the GraphQL schema."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from graphene import Field, ObjectType, Schema
from graphql import print_schema
from rest_framework.request import Request

from bff_project import urls
from gateway_clients.edge.access import signed_in as whoever_is_signed_in
from gateway_clients.edge.graphql import specified
from gateway_clients.edge.graphql.specified import page_field
from gateway_clients.edge.graphql.type_registry import TypeRegistry
from gateway_clients.edge.openapi import shows
from gateway_clients.edge.output.deprecation import Deprecation, TooSoonError
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.edge.rest import GatewayViewSet
from gateway_clients.edge.rest.specified import url_of
from tests.edge.test_specs import BILLS
from tests.support.answering import AnsweringUpstreams

GOING = Deprecation(since=date(2027, 1, 1), sunset=date(2027, 7, 3), instead="list payments.")
WORDS = "Deprecated since 2027-01-01, may be gone from 2027-07-03 on: list payments."
TOLD = {
    "Deprecation": "@1798761600",
    "Sunset": "Sat, 03 Jul 2027 00:00:00 GMT",
    "Link": '</docs/versions>; rel="deprecation"; type="text/html"',
}


class Note(ViewModel, frozen=True):
    """A note, of which a part is going to go."""

    text: str
    colour: Annotated[str | None, GOING.field("How it is painted.")]


class NotesViewSet(GatewayViewSet):
    """An action that is written out."""

    @shows(Note, errors={}, tags=["members"], operation_id="getNote", deprecation=GOING)
    @whoever_is_signed_in
    def retrieve(self, _request: Request) -> HttpResponse:
        """Shows a note.

        It has a colour.
        """
        return self.answer(Note(text="x", colour=None))


OLD = replace(BILLS, path="api/v1/old-bills/<id:member_id>", operation_id="listOldBills", deprecation=GOING)
urlpatterns = [
    url_of(OLD),
    url_of(BILLS),
    path("api/v1/note", NotesViewSet.as_view({"get": "retrieve"})),
    *urls.urlpatterns,
]
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def client(signed_in: Any, upstreams: AnsweringUpstreams) -> Client:
    """A member's, before upstreams that are well."""
    client: Client = signed_in(member_id="m-1")
    return client


def told(answer: Any) -> dict[str, str]:
    """Which of the three headers an answer has."""
    return {name: answer.headers[name] for name in TOLD if name in answer.headers}


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_every_answer_at_its_address_says_so(client: Client) -> None:
    shown = client.get("/api/v1/old-bills/m-1")
    unchanged = client.get("/api/v1/old-bills/m-1", headers={"If-None-Match": shown.headers["ETag"]})
    foreign, wrong = client.get("/api/v1/old-bills/m-2"), client.get("/api/v1/old-bills/m-1?limit=0")
    nobody, written_out = Client().get("/api/v1/old-bills/m-1"), client.get("/api/v1/note")

    answers = [shown, unchanged, foreign, wrong, nobody, written_out]
    assert [each.status_code for each in answers] == [200, 304, 403, 400, 401, 200]
    assert [told(each) for each in answers] == [TOLD] * len(answers)


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_others_say_nothing(client: Client) -> None:
    shown = client.get("/api/v1/bills/m-1")

    assert (shown.status_code, told(shown)) == (200, {})


def test_the_openapi_document_says_so() -> None:
    generator: Any = SchemaGenerator
    document = generator(urlconf=__name__).get_schema(request=None, public=True)
    old, note = (document["paths"][each]["get"] for each in ("/api/v1/old-bills/{member_id}", "/api/v1/note"))
    present = document["paths"]["/api/v1/bills/{member_id}"]["get"]

    validate_schema(document)
    assert [each.get("deprecated") for each in (old, note, present)] == [True, True, None]
    assert old["description"] == f"One page of bills.\n\n{WORDS}"
    assert (note["summary"], note["description"]) == ("Shows a note", f"Shows a note.\n\nIt has a colour.\n\n{WORDS}")
    assert all(set(TOLD) <= set(response["headers"]) for response in old["responses"].values())
    assert not any(set(TOLD) & set(response["headers"]) for response in present["responses"].values())
    assert set(TOLD) <= set(document["components"]["headers"])
    colour = document["components"]["schemas"]["Note"]["properties"]["colour"]
    assert (colour["deprecated"], colour["description"]) == (True, f"How it is painted. {WORDS}")


def test_headers_of_what_goes_are_left_out_where_nothing_does() -> None:
    document = SchemaGenerator().get_schema(request=None, public=True)

    assert not set(TOLD) & set(document["components"]["headers"])


def test_the_graphql_schema_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    types = TypeRegistry()
    monkeypatch.setattr(specified, "TYPES", types)
    query = type("Query", (ObjectType,), {"old_bills": page_field(OLD), "note": Field(types.make(Note))})
    printed = print_schema(Schema(query=query).graphql_schema)

    assert f'): BillPage @deprecated(reason: "{WORDS}")' in printed
    assert f'  colour: String @deprecated(reason: "{WORDS}")' in printed
    assert printed.count("@deprecated") == 2


def test_nothing_goes_sooner_than_was_promised() -> None:
    with pytest.raises(TooSoonError, match="2027-06-30 is less than 183 days after 2027-01-01"):
        Deprecation(since=date(2027, 1, 1), sunset=date(2027, 6, 30), instead="nothing.")
