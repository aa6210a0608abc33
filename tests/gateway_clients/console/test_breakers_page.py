"""The page of breakers, and the orders given there."""

import re
import time

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection

from gateway_clients.conf import SERVICES
from gateway_clients.fleet.pulse import pulse
from gateway_clients.models import BreakerOverride
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_store import OwnSnapshot
from gateway_clients.resilience.breaker_sync import breaker_sync
from gateway_clients.resilience.overrides import OverrideOrder
from members.models import Account
from tests.gateway_clients.console.conftest import PASSWORD, helper_with
from tests.gateway_clients.console.reading import text_of

PAGE = "/admin/console/breaker/"
FORM = "/admin/console/breaker/claims/change/"
OPEN = {"action": "forced_open", "minutes": "15", "reason": "maintenance of claims"}


def test_the_pages_are_on_the_index(staff: Client) -> None:
    index = staff.get("/admin/").content.decode()
    for page in ("breaker", "cacheentry", "upstream"):
        assert f'href="/admin/console/{page}/"' in index


def test_it_shows_every_upstream_of_this_process_and_of_others(staff: Client) -> None:
    for _ in range(5):
        upstream("claims").breaker.admit().failed(0.1)
    upstream("member").breaker.pause(30)
    text = text_of(staff.get(PAGE))
    for name in SERVICES:
        assert f" {name} " in text
    assert text.count(f"{pulse().process} (this one)") == len(SERVICES)
    assert " open 5 " in text
    assert "30 s left" in text


def test_a_process_that_has_gone_is_not_shown(staff: Client) -> None:
    breaker_sync()._store.exchange("123-gone", OwnSnapshot())
    assert "123-gone" not in text_of(staff.get(PAGE))


@pytest.mark.parametrize(
    ("action", "override"), [("forced_open", Override.FORCED_OPEN), ("forced_closed", Override.FORCED_CLOSED)]
)
def test_an_order_holds_is_shown_and_is_written_down(
    staff: Client, boss: Account, action: str, override: Override
) -> None:
    answer = staff.post(FORM, {**OPEN, "action": action}, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    order = breaker_sync().orders()["claims"]
    assert (order.override, order.reason, order.ordered_by) == (override, "maintenance of claims", str(boss.pk))
    assert 14 * 60 < order.until - time.time() <= 15 * 60
    breaker_sync().read_rulings()
    assert upstream("claims").breaker.override is override

    text = text_of(staff.get(PAGE))
    assert f"{override.replace('_', ' ')} until " in text
    assert "by boss@example.com: maintenance of claims" in text
    assert f" {override.replace('_', ' ')} over closed " in text
    (entry,) = LogEntry.objects.all()
    assert (entry.user, entry.object_id, entry.action_flag) == (boss, "claims", CHANGE)
    assert entry.change_message.endswith(" for 15 minutes: maintenance of claims")
    assert entry.get_admin_url() == FORM


def test_back_to_normal_ends_the_order_and_closes(staff: Client) -> None:
    staff.post(FORM, OPEN)
    breaker_sync().read_rulings()
    for _ in range(5):
        upstream("claims").breaker.open()
    staff.post(FORM, {**OPEN, "action": "reset", "reason": "done"})
    assert breaker_sync().orders() == {}
    breaker_sync().read_rulings()
    assert (upstream("claims").breaker.current_state, upstream("claims").breaker.override) == ("closed", "normal")
    assert LogEntry.objects.latest("pk").change_message == "Back to normal: done"


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": "  "},
        {"reason": "x" * 301},
        {"minutes": ""},
        {"minutes": "0"},
        {"minutes": "999999"},
        {"action": "ajar"},
        {"action": ""},
    ],
)
def test_without_a_reason_an_expiry_or_a_known_action_nothing_happens(staff: Client, wrong: dict[str, str]) -> None:
    answer = staff.post(FORM, {**OPEN, **wrong})
    assert answer.status_code == 200
    assert b"errorlist" in answer.content
    assert breaker_sync().orders() == {}
    assert not LogEntry.objects.exists()


def test_a_reason_is_shown_as_text(staff: Client) -> None:
    staff.post(FORM, {**OPEN, "reason": "<script>alert(1)</script>"})
    page = staff.get(PAGE).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_an_order_needs_the_csrf_token(boss: Account) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(boss)
    assert client.post(FORM, OPEN).status_code == 403
    assert breaker_sync().orders() == {}


def test_looking_at_the_form_changes_nothing(staff: Client) -> None:
    assert staff.get(FORM, OPEN).status_code == 200
    assert breaker_sync().orders() == {}


def test_an_unknown_upstream_is_not_found(staff: Client) -> None:
    assert staff.get("/admin/console/breaker/nobody/change/").status_code == 404


def test_who_may_only_look_cannot_change(client: Client, db: None) -> None:
    client.force_login(helper_with("view_breaker"))
    page = client.get(PAGE)
    assert page.status_code == 200
    assert FORM not in page.content.decode()
    assert client.get(FORM).status_code == 403
    assert client.post(FORM, OPEN).status_code == 403
    assert breaker_sync().orders() == {}


def test_staff_without_the_permission_and_others_do_not_see_it(client: Client, db: None) -> None:
    assert client.get(PAGE).status_code == 302
    client.force_login(helper_with())
    assert client.get(PAGE).status_code == 403
    assert "/admin/console/" not in client.get("/admin/").content.decode()
    client.force_login(Account.objects.create_user("member@example.com", PASSWORD, member_id="m-1"))
    assert client.get(PAGE).status_code == 302
    assert client.post(FORM, OPEN).status_code == 302
    assert breaker_sync().orders() == {}


def test_with_redis_down_it_shows_this_process_and_says_so(staff: Client, redis_down: None) -> None:
    upstream("claims").breaker.open()
    page = staff.get(PAGE)
    assert "Redis does not answer. Only the breakers of this process are shown" in text_of(page)
    assert " open " in text_of(page)
    assert FORM in page.content.decode()


def test_with_redis_down_an_order_holds_is_shown_and_is_written_down(
    staff: Client, boss: Account, redis_down: None
) -> None:
    text = text_of(staff.post(FORM, OPEN, follow=True))
    assert "forced open until " in text
    assert "by boss@example.com: maintenance of claims" in text
    breaker_sync().read_rulings()
    assert upstream("claims").breaker.override is Override.FORCED_OPEN
    assert LogEntry.objects.get().object_id == "claims"


def test_an_order_outlives_a_redis_that_forgets_everything(staff: Client, boss: Account) -> None:
    staff.post(FORM, OPEN)
    breaker_sync().read_rulings()
    redis = get_redis_connection("default")
    for name in list(redis.scan_iter(match=f"{breaker_sync()._store._prefix}*")):
        redis.delete(name)
    breaker_sync().poll()
    breaker_sync().read_rulings()
    assert upstream("claims").breaker.override is Override.FORCED_OPEN
    assert "forced open until " in text_of(staff.get(PAGE))


def test_what_cannot_be_logged_is_not_ordered(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("no")

    monkeypatch.setattr(LogEntry.objects, "create", fail)
    staff.raise_request_exception = False
    assert staff.post(FORM, OPEN).status_code >= 500
    assert breaker_sync().orders() == {}


@pytest.mark.parametrize("page", [PAGE, FORM, "/admin/console/cacheentry/?pattern=*", "/admin/console/upstream/"])
def test_no_page_has_scripts_or_styles_of_its_own_text(staff: Client, page: str) -> None:
    answer = staff.get(page)
    html = answer.content.decode()
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)[^>]*>", html) == []


def test_strange_orders_do_not_break_the_page(staff: Client) -> None:
    breaker_sync().order("claims", OverrideOrder(Override.FORCED_OPEN, 2.5e11, "x", "not-a-number"))
    BreakerOverride.objects.create(
        service="member", override="ajar", reason="x", ordered_by="7", since=timezone.now(), until=timezone.now()
    )
    assert "by account not-a-number" in text_of(staff.get(PAGE))
