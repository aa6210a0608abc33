"""The page that explains a request: open to staff alone, its address made of the request id."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from gateway_clients.fleet.explanations import CallExplained, Explanation, SectionExplained, StepExplained
from gateway_clients.fleet.pulse import pulse
from tests.gateway_clients.console.conftest import helper_with
from tests.gateway_clients.console.reading import text_of

PAGE = "/admin/console/explanation/"
ONE = f"{PAGE}0123456789abcdef/"


def test_the_address_of_an_explanation_is_made_of_the_request_id() -> None:
    assert reverse("admin:gateway_explain", args=["0123456789abcdef"]) == ONE


def test_a_pasted_id_leads_to_its_explanation(staff: Client) -> None:
    answer = staff.get(PAGE, {"request_id": " 0123456789abcdef "})
    assert (answer.status_code, answer.headers["Location"]) == (302, ONE)


def test_of_a_request_that_is_not_kept_the_page_says_so(staff: Client) -> None:
    assert "Nothing is kept of 0123456789abcdef ." in text_of(staff.get(ONE))


@pytest.mark.django_db
def test_it_is_open_to_staff_with_the_right_alone(client: Client) -> None:
    assert client.get(ONE).status_code == 302
    helper = helper_with()
    client.force_login(helper)
    assert client.get(ONE).status_code == 403
    helper.user_permissions.add(Permission.objects.get(codename="view_explanation"))
    assert client.get(ONE).status_code == 200


def explained(**more: object) -> Explanation:
    given = {
        "request_id": "0123456789abcdef",
        "at": 1.8e9,
        "kind": "partial",
        "method": "GET",
        "route": "/api/v1/members/<id:member_id>/dashboard",
        "status": 200,
        "spent_ms": 400.0,
        "budget_ms": 3000.0,
        "caller": "member",
        "code": "circuit_open",
    }
    return Explanation(**{**given, **more})  # type: ignore[arg-type]  # as given above


def keep(explanation: Explanation) -> None:
    pulse().explain(explanation)
    pulse().beat()


def test_a_partial_request_is_explained_with_its_waterfall_and_what_was_left_out(staff: Client) -> None:
    claims = CallExplained(
        service="claims",
        operation="listClaims",
        state="fresh",
        started_ms=100.0,
        spent_ms=200.0,
        planned_ms=2000,
        left_ms=2700,
        steps=(
            StepExplained(101.0, "looked up", "miss in Redis, took the lease"),
            StepExplained(150.0, "got a place", "after 48 ms"),
            StepExplained(150.0, "sent"),
        ),
    )
    payment = CallExplained(service="payment", operation="listPayments", state="circuit_open", started_ms=100.0)
    section = SectionExplained(view="dashboard", name="payments", state="unavailable", error="circuit_open")
    keep(explained(calls=(claims, payment), sections=(section,)))

    answer = staff.get(ONE)
    first, second = answer.context["rows"]
    assert (first.tone, first.x, first.width, first.planned_width) == ("good", 250.0, 500.0, 750.0)
    assert (second.tone, second.x, second.width) == ("bad", 250.0, 4.0)
    text = text_of(answer)
    assert "GET /members/{member_id}/dashboard" in text
    assert "Its answer was not whole. The first trouble was circuit_open ." in text
    assert "Asked by member" in text
    assert "400.0 ms Budget 3000 ms, 2600 ms left" in text
    assert "150.0 ms got a place: after 48 ms" in text
    assert "dashboard payments unavailable circuit_open" in text


def test_the_latest_are_listed_and_can_be_told_by_kind(staff: Client) -> None:
    keep(explained())
    keep(explained(request_id="fedcba9876543210", kind="shed", status=503))

    assert [row[0].kind for row in staff.get(PAGE).context["rows"]] == ["shed", "partial"]
    assert [row[0].request_id for row in staff.get(PAGE, {"kind": "shed"}).context["rows"]] == ["fedcba9876543210"]


def test_with_redis_down_the_pages_say_so(staff: Client, redis_down: None) -> None:
    for page in (PAGE, ONE):
        assert "Redis does not answer" in text_of(staff.get(page))


def test_an_id_is_shown_as_text(staff: Client) -> None:
    assert "<script>alert" not in staff.get(f"{PAGE}%3Cscript%3Ealert(1)/").content.decode()
