"""The levers on breakers: ticket, preview, four eyes, rights, the audit trail."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from gateway_clients.audit.recorder import AuditUnavailableError, Recorder
from gateway_clients.console import levers
from gateway_clients.console.breakers import BreakerAdmin
from gateway_clients.console.models import OverrideProposal
from gateway_clients.models import AuditEntry
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_sync import breaker_sync
from members.models import Account
from tests.gateway_clients.console import scene
from tests.gateway_clients.console.conftest import PASSWORD
from tests.gateway_clients.console.reading import text_of

PAGE = "/admin/console/breaker/"
FORM = "/admin/console/breaker/payment/change/"
CLOSE = {"action": "forced_closed", "minutes": "15", "reason": "the failures are none", "ticket": "OPS-12"}


@pytest.fixture
def second(db: None) -> Client:
    """Somebody else who may steer."""
    client = Client()
    client.force_login(Account.objects.create_superuser("second@example.com", PASSWORD))
    return client


def decide(client: Client, decision: str) -> str:
    proposal = OverrideProposal.objects.latest("pk")
    answer = client.post(f"{PAGE}proposals/{proposal.pk}/", {"decision": decision}, follow=True)
    return text_of(answer)


def orders() -> dict[str, Override]:
    return {service: order.override for service, order in breaker_sync().orders().items()}


def test_the_form_says_what_a_lever_touches(staff: Client) -> None:
    scene.play_traffic()
    text = text_of(staff.get(FORM))
    assert "It touches 2 views, 58 % of the answers of the last hour, " in text
    assert "calls/s. Views: /dashboard/{member_id} , /providers/{provider_id}/dashboard ." in text


def test_an_order_carries_its_ticket_to_the_page_the_log_and_the_audit_trail(staff: Client, boss: Account) -> None:
    staff.post(FORM, CLOSE)

    assert breaker_sync().orders()["payment"].ticket == "OPS-12"
    assert "by boss@example.com: the failures are none (OPS-12)" in text_of(staff.get(PAGE))
    assert LogEntry.objects.get().change_message == "Close (OPS-12) for 15 minutes: the failures are none"
    row = AuditEntry.objects.latest("pk")
    assert (row.action, row.account_id, row.sections, row.reason) == (
        "breaker.forced_closed",
        str(boss.pk),
        "payment",
        "the failures are none",
    )


def test_without_the_audit_trail_nothing_is_ordered(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AuditUnavailableError

    monkeypatch.setattr(Recorder, "commit", fail)
    staff.raise_request_exception = False
    assert staff.post(FORM, CLOSE).status_code >= 500
    assert orders() == {}
    assert not LogEntry.objects.exists()


def test_with_four_eyes_a_breaker_is_forced_closed_by_two(staff: Client, second: Client, settings: Settings) -> None:
    settings.CONSOLE_FOUR_EYES = True
    text = text_of(staff.post(FORM, CLOSE, follow=True))
    assert "It holds once a second person has agreed" in text
    assert orders() == {}

    assert "Somebody else has to agree to it" in decide(staff, "agree")
    assert orders() == {}

    assert "boss@example.com proposed it" in text_of(second.get(PAGE))
    assert "It holds in every process within a second" in decide(second, "agree")
    assert orders() == {"payment": Override.FORCED_CLOSED}
    assert LogEntry.objects.latest("pk").change_message == (
        "Agreed to what boss@example.com proposed. Close (OPS-12) for 15 minutes: the failures are none"
    )
    assert "It was decided already" in decide(second, "agree")


def test_with_four_eyes_a_refused_or_old_proposal_does_nothing(
    staff: Client, second: Client, settings: Settings
) -> None:
    settings.CONSOLE_FOUR_EYES = True
    staff.post(FORM, CLOSE)
    assert "It was refused" in decide(second, "refuse")
    staff.post(FORM, CLOSE)
    OverrideProposal.objects.filter(decided_at=None).update(proposed_at="2026-01-01T00:00:00Z")
    assert "its time is over" in decide(second, "agree")
    assert orders() == {}
    assert "Waiting for a second person" not in text_of(second.get(PAGE))


@pytest.mark.parametrize(
    ("decision", "broken", "error"),
    [
        ("agree", (Recorder, "commit"), AuditUnavailableError),
        ("agree", (levers, "names_of"), DatabaseError),
        ("refuse", (BreakerAdmin, "record"), DatabaseError),
    ],
)
def test_with_four_eyes_a_decision_that_cannot_be_written_down_is_still_to_be_made(
    staff: Client,
    second: Client,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    broken: tuple[Any, str],
    error: type[Exception],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    settings.CONSOLE_FOUR_EYES = True
    staff.post(FORM, CLOSE)
    second.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr(*broken, fail)
        decide(second, decision)
    assert orders() == {}
    assert OverrideProposal.objects.get().decided_at is None

    decide(second, decision)
    assert OverrideProposal.objects.get().is_approved is (decision == "agree")
    assert orders() == ({"payment": Override.FORCED_CLOSED} if decision == "agree" else {})


@pytest.mark.parametrize("action", ["forced_open", "reset"])
def test_with_four_eyes_the_other_levers_take_one(staff: Client, settings: Settings, action: str) -> None:
    settings.CONSOLE_FOUR_EYES = True
    staff.post(FORM, {**CLOSE, "action": action})
    assert not OverrideProposal.objects.exists()
    assert LogEntry.objects.count() == 1


def test_a_proposal_is_decided_by_post_with_the_token_and_the_right_alone(staff: Client, settings: Settings) -> None:
    settings.CONSOLE_FOUR_EYES = True
    staff.post(FORM, CLOSE)
    address = f"{PAGE}proposals/{OverrideProposal.objects.get().pk}/"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(Account.objects.create_superuser("third@example.com", PASSWORD))
    viewer = Client()
    helper = Account.objects.create_user("viewer@example.com", PASSWORD, is_staff=True)
    helper.groups.add(Group.objects.get(name="Gateway: see"))
    viewer.force_login(helper)

    assert strict.get(address).status_code == 405
    assert strict.post(address, {"decision": "agree"}).status_code == 403
    assert viewer.post(address, {"decision": "agree"}).status_code == 403
    assert "Agree" not in viewer.get(PAGE).content.decode()
    assert orders() == {}
