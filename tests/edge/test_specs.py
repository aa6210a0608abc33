"""Views that are declared: what is made of a declaration, and that none forgets what drops it from the cache."""

import datetime
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest
from django.test import Client
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from graphene import ObjectType, Schema

import claims.aggregators
import dashboard.aggregators
import members.aggregators
from bff_project import urls
from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.edge.access.resources import EVERYTHING, Resource
from gateway_clients.edge.graphql import specified
from gateway_clients.edge.graphql.specified import ARGUMENTS, page_field, page_part
from gateway_clients.edge.graphql.type_registry import TypeRegistry
from gateway_clients.edge.input.parameters import Page
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.edge.rest.specified import PARAMETERS, READERS, url_of
from gateway_clients.edge.specs import (
    SEARCH,
    FilterKind,
    ListSpec,
    ReadSpec,
    SectionPage,
    choice_filter,
    date_filter,
    id_filter,
    sections_model,
)
from gateway_clients.gateway import SectionSpec, ViewSpec
from gateway_clients.invalidation.rules import EVENTS, Change, Changed
from gateway_clients.services.payment import PaymentPayload
from tests.support.answering import AnsweringUpstreams
from tests.support.calls import gateway_for
from tests.upstream_answers import PAYMENT, a_page

IDS = {"member_id": "m-1", "provider_id": "p-1", "claim_id": "clm-1"}


class Kind(StrEnum):
    """What a bill is for."""

    A = "a"
    B = "b"


class Bill(ViewModel, frozen=True):
    """One thing that was paid."""

    id: str
    paid_at: datetime.datetime | None


def to_bill(payment: PaymentPayload) -> Bill:
    return Bill(id=payment.id, paid_at=payment.paid_at)


BILLS = ListSpec(
    name="bills",
    service="payment",
    model=Bill,
    call=lambda gateway, asked: gateway.payment.list_payments(
        asked["member_id"], claim_id=asked.get("claim_id"), limit=asked["limit"], offset=asked.get("offset", 0)
    ),
    transform=to_bill,
    newest_by=lambda payment: payment.id,
    filters=(
        id_filter("claim_id", "Of this claim."),
        choice_filter("kind", "Of this kind.", ("a", "b"), Kind),
        date_filter("paid_from", "Of this day or later."),
        SEARCH,
    ),
    path="api/v1/bills/<id:member_id>",
    operation_id="listBills",
    resource=Resource.MEMBER_DATA,
    tag="members",
    doc="One page of bills.",
    dropped_by=(Changed.PAYMENTS,),
)
urlpatterns = [url_of(BILLS), path("api/v1/more", lambda request: request), *urls.urlpatterns]
handler404, handler500 = urls.handler404, urls.handler500


def test_page_is_made_of_the_models_items_newest_first(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["listPayments"] = a_page(PAYMENT, PAYMENT | {"id": "pay-2"}, total=17)
    asked = {"member_id": "m-1", "claim_id": "clm-1"}

    page = BILLS.page(gateway_for(), asked, page=Page(limit=5, offset=10)).result()

    assert upstreams.targets == ["/payments?member_id=m-1&claim_id=clm-1&limit=5&offset=10"]
    assert type(page).__name__ == "BillList"
    assert [bill.id for bill in page.bills] == ["pay-2", "pay-1"]
    assert (page.total, page.limit, page.offset, page.has_more) == (17, 5, 10, True)
    assert page.meta.sections["bills"].state == "fresh"


def test_section_holds_the_five_newest(upstreams: AnsweringUpstreams) -> None:
    section, gateway = BILLS.section("member_id"), gateway_for()
    upstreams.answers["listPayments"] = a_page(*(PAYMENT | {"id": f"pay-{number}"} for number in range(7)))
    found = gateway.call(section.call(gateway, "m-1")).require()

    assert upstreams.targets == ["/payments?member_id=m-1&limit=5&offset=0"]
    assert [bill.id for bill in section.transform(found)] == ["pay-6", "pay-5", "pay-4", "pay-3", "pay-2"]
    assert section.dropped_by == BILLS.dropped_by
    profile = sections_model("Profile", "A view.", section, module=__name__)
    assert profile.__struct_fields__ == ("bills", "meta")


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_address_takes_the_filters_and_keeps_the_access_rule(signed_in: Any, upstreams: AnsweringUpstreams) -> None:
    client: Client = signed_in(member_id="m-1")

    shown = client.get("/api/v1/bills/m-1?claim_id=clm-1&kind=a&paid_from=2026-03-01&q=x&limit=7").json()
    refused = [client.get(f"/api/v1/bills/{rest}").status_code for rest in ("m-2", "m-1?kind=c", "m-1?other=1")]

    assert ([bill["id"] for bill in shown["bills"]], shown["limit"]) == (["pay-1"], 7)
    assert refused == [403, 400, 400]
    assert upstreams.targets == ["/payments?member_id=m-1&claim_id=clm-1&limit=7&offset=0"]


def test_openapi_document_has_the_address_its_parameters_and_its_model() -> None:
    generator: Any = SchemaGenerator
    document = generator(urlconf=__name__).get_schema(request=None, public=True)
    operation = document["paths"]["/api/v1/bills/{member_id}"]["get"]

    assert operation["summary"] == "One page of bills"
    assert operation["operationId"] == "listBills"
    assert [each["name"] for each in operation["parameters"] if each["in"] != "header"] == [
        "claim_id",
        "kind",
        "limit",
        "member_id",
        "offset",
        "paid_from",
        "q",
    ]
    assert set(document["components"]["schemas"]["BillList"]["properties"]) == {
        "bills",
        "total",
        "limit",
        "offset",
        "has_more",
        "meta",
    }


def test_graphql_field_has_the_filters_as_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specified, "TYPES", TypeRegistry())
    (declared, source), _ = page_part(BILLS, "member_id")
    query = type("Query", (ObjectType,), {"bills": page_field(BILLS), "bill_page": declared})
    fields = Schema(query=query).graphql_schema.query_type.fields

    for field in (fields["bills"], fields["billPage"]):
        assert str(field.type) == "BillPage"
        assert {name: str(each.type) for name, each in field.args.items()} == {
            "claimId": "String",
            "kind": "Kind",
            "paidFrom": "Date",
            "q": "String",
            "limit": "Int",
            "offset": "Int",
        }
    assert source.name == "bill_page"


@pytest.mark.parametrize("table", [READERS, PARAMETERS, ARGUMENTS], ids=["REST", "OpenAPI", "GraphQL"])
def test_every_kind_of_filter_can_be_asked_for_everywhere(table: Mapping[FilterKind, Any]) -> None:
    assert set(table) == set(FilterKind)


def declared(kind: type, *modules: ModuleType) -> Iterator[Any]:
    """All of a kind that stand in modules under a name."""
    return (each for module in modules for each in vars(module).values() if isinstance(each, kind))


SPECS: tuple[ReadSpec, ...] = tuple(declared(ReadSpec, claims.aggregators, members.aggregators))
VIEWS: tuple[ViewSpec, ...] = (
    *declared(ViewSpec, dashboard.aggregators, claims.aggregators, members.aggregators),
    *(spec.view for spec in SPECS if isinstance(spec, SectionPage)),
)
SECTIONS = [(view, section) for view in VIEWS for section in view.sections]


def is_dropped(key: CacheKey, changed: Changed) -> bool:
    return bool(Change(changed=changed, **IDS).tags & set(key.tags))


def test_declared_views_are_found() -> None:
    assert {"claims", "provider", "providers", "payments", "documents", "benefits"} <= {spec.name for spec in SPECS}
    assert {"member_dashboard", "member_profile", "provider_dashboard", "member_benefits"} <= {
        view.name for view in VIEWS
    }


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.path)
def test_each_declared_read_is_dropped_by_what_it_names_and_names_something(spec: Any) -> None:
    gateway = gateway_for()
    ids = {name: value for name, value in IDS.items() if f":{name}>" in spec.path}
    if isinstance(spec, ListSpec):
        key = spec.call(gateway, spec.narrow(EVERYTHING, {**ids, "limit": 5})).key
    else:
        key = (spec.section.call(gateway, "m-1") if isinstance(spec, SectionPage) else spec.call(gateway, ids)).key

    assert (key is not None) is bool(spec.dropped_by) or spec.path == "claims"
    assert key is None or [changed for changed in spec.dropped_by if not is_dropped(key, changed)] == []


@pytest.mark.parametrize(("view", "section"), SECTIONS, ids=lambda each: each.name)
def test_each_section_names_what_drops_it_and_its_view(view: ViewSpec, section: SectionSpec[Any, Any]) -> None:
    subject = view.subject("m-1" if view.subject == Subject.member else "p-1")
    key = section.call(gateway_for(), subject.id).key
    whole = CacheKey(view.data_class, view.name, subject=subject)

    assert key is not None
    assert section.dropped_by
    for changed in section.dropped_by:
        assert is_dropped(key, changed), f"{changed} does not drop {key}"
        assert is_dropped(whole, changed), f"{changed} does not drop {whole}"


def test_every_change_is_told_by_an_event() -> None:
    assert {kind.changed for kind in EVENTS.values()} == set(Changed)
    assert set(DataClass) >= {view.data_class for view in VIEWS}
