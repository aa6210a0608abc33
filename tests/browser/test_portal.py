"""A portal on another origin, in a real browser: what its users do, and what they see when something fails."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gateway_clients.outbox.dispatcher import work_off
from members import token_families
from members.models import Account
from sandbox.testing import Sandbox
from tests.support.portals import expired
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_a_user_signs_in_and_sees_a_dashboard_of_which_a_section_is_down(
    signed_in: Page, sandbox: Sandbox, complaints: list[str]
) -> None:
    sandbox.fault("benefit", "error")
    signed_in.get_by_role("button", name="Dashboard").click()

    expect(signed_in.locator("#sections li")).to_have_text(
        [
            "member: whole",
            "recent_claims: whole",
            "benefits_summary: not available",
            "coverage_status: whole",
            "notifications: whole",
        ]
    )
    assert complaints == []


@pytest.mark.long
def test_a_claim_that_is_cancelled_is_so_on_the_list_and_in_detail(signed_in: Page, complaints: list[str]) -> None:
    signed_in.get_by_role("button", name="Claims").click()
    expect(signed_in.locator("#list li")).to_have_count(3)
    while signed_in.locator("#list li", has_text="submitted").count() == 0:
        shown = signed_in.locator("#list li").count()
        signed_in.get_by_role("button", name="More").click()
        wait_until(lambda shown=shown: signed_in.locator("#list li").count() > shown)
    number = signed_in.locator("#list li", has_text="submitted").first.inner_text().split()[0]
    expect(signed_in.locator("#detail")).to_have_text(f"{number} submitted")

    signed_in.get_by_role("button", name="Cancel").click()

    expect(signed_in.locator("#detail")).to_have_text(f"{number} cancelled")
    expect(signed_in.locator("#list li", has_text=number)).to_have_text(f"{number} cancelled")
    assert complaints == []


@pytest.mark.long
def test_a_claim_whose_answer_was_lost_is_pending_and_then_submitted(signed_in: Page, sandbox: Sandbox) -> None:
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    before = len(sandbox.ledger("claims"))
    with signed_in.expect_response(lambda came: came.url.endswith("/claims") and came.status == 202) as pending:
        signed_in.get_by_role("button", name="Submit").click()
    assert "location" in pending.value.headers["access-control-expose-headers"].lower()
    expect(signed_in.locator("#outcome")).to_have_text("pending")

    wait_until(lambda: work_off() >= 0 and signed_in.locator("#outcome").inner_text() == "submitted", seconds=30)

    assert len(sandbox.ledger("claims")) == before + 1


@pytest.mark.long
def test_a_file_goes_in_comes_out_and_is_saved_by_a_link(signed_in: Page, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.pdf"
    receipt.write_bytes(b"%PDF-1.4\nreceipt")
    signed_in.get_by_label("File").set_input_files(receipt)
    expect(signed_in.locator("#document")).to_have_text("receipt.pdf")

    signed_in.get_by_role("button", name="Download").click()
    expect(signed_in.locator("#bytes")).to_have_text("%PDF-1.4 receipt")

    signed_in.get_by_role("button", name="Link").click()
    with signed_in.expect_download() as saved:
        signed_in.get_by_role("link", name="Save it").click()
    assert saved.value.suggested_filename == "receipt.pdf"
    assert Path(saved.value.path()).read_bytes() == receipt.read_bytes()


@pytest.mark.long
def test_of_two_tabs_one_renews_and_both_go_on(
    portal: Callable[[], Page], account: Account, complaints: list[str]
) -> None:
    pair = token_families.begin(account)
    tabs = [portal(), portal()]
    renewals: list[int] = []
    for tab in tabs:
        tab.on("response", lambda came: renewals.append(came.status) if came.url.endswith("/auth/refresh") else None)
    kept = json.dumps({"access_token": expired(pair.access), "refresh_token": pair.refresh})
    tabs[0].evaluate("kept => localStorage.setItem('tokens', kept)", kept)

    for tab in tabs:
        tab.evaluate("document.getElementById('me').click()")

    for tab in tabs:
        expect(tab.locator("#user")).to_have_text("Siti Rahayu")
    # What one tab keeps may reach the other too late for the lock to help: then that one is told, and goes on.
    assert sorted(renewals) in ([200], [200, 409])
    assert complaints == []


@pytest.mark.long
def test_one_too_many_is_told_with_the_time_to_wait(signed_in: Page, settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 10
    signed_in.get_by_role("button", name="Hurry").click()

    expect(signed_in.locator("#refused")).to_have_text("429 rate_limited true")
