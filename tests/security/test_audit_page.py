"""Staff's page of the audit trail, and the file that a member may ask for."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from gateway_clients.audit.entries import AuditRow, Outcome
from gateway_clients.audit.recorder import Recorder
from gateway_clients.console import audit
from gateway_clients.models import AuditEntry
from members.models import Account
from tests.security.conftest import Entries

PAGE = "/admin/gateway_clients/auditentry/"
DAY = 86_400_000_000
#: 2026-03-01 00:00 UTC in microseconds.
MARCH = 1_772_323_200_000_000


@pytest.fixture
def boss(db: None) -> Account:
    return Account.objects.create_superuser("boss@example.com", "a-long-password-of-staff")


@pytest.fixture
def staff(boss: Account) -> Client:
    client = Client()
    client.force_login(boss)
    return client


@pytest.fixture
def looks(entries: Entries) -> None:
    """Account 7 sees m-1 in the first three days of March, and m-2 on the fourth; account 8 sees m-1 on the fifth."""
    days = iter(range(5))
    trail = Recorder(clock=lambda: MARCH + next(days) * DAY + 1)
    for account, member in (("7", "m-1"), ("7", "m-1"), ("7", "m-1"), ("7", "m-2"), ("8", "m-1")):
        trail.commit(
            [AuditRow(action="a-view", outcome=Outcome.SHOWN, account_id=account, role="admin", member_id=member)]
        )


def shown(answer: Any) -> list[tuple[str, str, int]]:
    assert answer.status_code == 200
    return [(row.account_id, row.member_id, row.at.day) for row in answer.context["cl"].result_list]


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("m-2", [("7", "m-2", 4)]),
        ("8", [("8", "m-1", 5)]),
        ("m-1 7 2026-03-02..2026-03-03", [("7", "m-1", 3), ("7", "m-1", 2)]),
        ("m-1 2026-03-03T00:00:00Z..", [("8", "m-1", 5), ("7", "m-1", 3)]),
        ("nobody", []),
    ],
)
def test_staff_find_rows_by_member_account_and_time(
    staff: Client, search: str, wanted: list[tuple[str, str, int]]
) -> None:
    assert shown(staff.get(PAGE, {"q": search})) == wanted


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize(
    "times", ["..9999-12-31", "..2026-02-30", "9999-12-31T23:59:59-05:00..", "..0001-01-01T00:00:00+05:00"]
)
def test_a_time_that_is_none_is_passed_over(staff: Client, times: str) -> None:
    assert shown(staff.get(PAGE, {"q": f"m-2 {times}"})) == [("7", "m-2", 4)]


@pytest.mark.usefixtures("looks")
def test_nothing_of_it_can_be_added_changed_or_deleted(staff: Client, entries: Entries) -> None:
    before = entries()
    row = before[0]

    assert staff.get(f"{PAGE}add/").status_code == 403
    assert staff.get(f"{PAGE}{row.pk}/delete/").status_code == 403
    assert staff.post(f"{PAGE}{row.pk}/change/", {"member_id": "m-9"}).status_code == 403
    assert staff.get(f"{PAGE}{row.pk}/change/").status_code == 200
    assert entries() == before


def test_without_the_right_to_see_it_nobody_does(db: None) -> None:
    client = Client()
    client.force_login(Account.objects.create_user("helper@example.com", "a-long-password", is_staff=True))

    assert client.get(PAGE).status_code == 403


@pytest.mark.usefixtures("looks")
def test_an_export_is_a_row_of_the_trail_itself(staff: Client, boss: Account, entries: Entries) -> None:
    chosen = [row.pk for row in entries() if row.member_id == "m-1"]

    answer = staff.post(PAGE, {"action": "export", "_selected_action": chosen})

    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [line["account_id"] for line in lines] == ["7", "7", "7", "8"]
    last = entries()[-1]
    assert (last.action, last.account_id, last.role, last.member_id, last.count) == (
        "audit.export", str(boss.pk), "staff", "m-1", 4,
    )  # fmt: skip


@pytest.mark.usefixtures("looks")
def test_more_rows_than_a_page_counts_are_not_exported(
    staff: Client, entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_COUNTED", 4)
    form = {"action": "export", "_selected_action": entries()[0].pk, "select_across": "1"}

    refused = staff.post(PAGE, form, follow=True)
    taken = staff.post(f"{PAGE}?q=m-1", form)

    assert "there are more than 4" in refused.content.decode()
    assert len(list(taken.streaming_content)) == 1 + 4
    assert [row.action for row in entries()] == ["a-view"] * 5 + ["audit.export"]


@pytest.mark.usefixtures("looks")
def test_the_account_of_disclosures_is_a_file_and_a_row(tmp_path: Path, entries: Entries) -> None:
    file = tmp_path / "account.csv"

    call_command("audit", "account", "m-1", str(file), "--until", "2026-03-05", stdout=io.StringIO())

    lines = list(csv.DictReader(file.read_text().splitlines()))
    assert [(line["account_id"], line["at"][:10]) for line in lines] == [
        ("7", "2026-03-01"), ("7", "2026-03-02"), ("7", "2026-03-03"),
    ]  # fmt: skip
    last = entries()[-1]
    assert (last.action, last.member_id, last.role) == ("audit.account", "m-1", "staff")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("audit", "account", "m-1", str(file))


@pytest.mark.usefixtures("looks")
def test_who_saw_a_member_between_two_days(db: None) -> None:
    out = io.StringIO()

    call_command("audit", "who", "m-1", "--since", "2026-03-03", "--until", "2026-03-06", stdout=out)

    assert [line.split()[:1] for line in out.getvalue().splitlines()] == [["2026-03-03"], ["2026-03-05"], ["2"]]


def test_a_text_that_a_spreadsheet_would_run_is_text(tmp_path: Path, entries: Entries) -> None:
    Recorder().commit([AuditRow(action="a-view", outcome=Outcome.SHOWN, member_id="m-1", reason="=HYPERLINK(1)")])
    file = tmp_path / "account.csv"

    call_command("audit", "account", "m-1", str(file), stdout=io.StringIO())

    assert "'=HYPERLINK(1)" in [line["reason"] for line in csv.DictReader(file.read_text().splitlines())]
    assert AuditEntry.objects.filter(reason="=HYPERLINK(1)").exists()
