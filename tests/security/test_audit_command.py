"""`manage.py audit who` and `account`: from when to when."""

import io
from pathlib import Path

import msgspec
import pytest
from django.core.management import CommandError, call_command

from gateway_clients.audit import disclosures
from gateway_clients.audit.entries import REASON_LENGTH, AuditRow, Outcome
from gateway_clients.audit.recorder import Recorder
from gateway_clients.models import AuditEntry

LOOK = AuditRow(action="a-view", outcome=Outcome.SHOWN, account_id="7", role="admin", member_id="m-1")


def who(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", "who", "m-1", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ((), 1),
        (("--since", "0001-01-01", "--until", "9999-12-31"), 1),
        (("--since", "0001-01-01T00:00Z", "--until", "9999-12-31T23:59:59.999999Z"), 1),
        (("--since", "0001-01-01T00:00-08:00", "--until", "9999-12-31T23:59+07:00"), 1),
        (("--until", "0001-01-01"), 0),
        (("--since", "9999-12-31"), 0),
    ],
)
def test_a_day_or_a_time_of_any_year_is_taken(trail: Recorder, arguments: tuple[str, ...], count: int) -> None:
    trail.commit([LOOK])

    assert who(*arguments).splitlines()[-1] == f"{count} rows."


def test_it_says_with_how_many_heads_of_the_log_the_trail_was_compared(trail: Recorder, tmp_path: Path) -> None:
    log, out = tmp_path / "log", io.StringIO()
    log.write_text('{"event":"request"}\n')
    trail.commit([LOOK])
    call_command("audit", "verify", "--heads", str(log), stdout=out)

    assert out.getvalue().endswith(" chains, compared with 0 heads of the log.\n")


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("text", ["0001-01-01T00:00+07:00", "9999-12-31T23:59-01:00", "2026-02-30", "yesterday", ""])
def test_what_is_none_is_refused_with_what_would_be_right(db: None, tmp_path: Path, option: str, text: str) -> None:
    for command in (["who", "m-1"], ["account", "m-1", str(tmp_path / "file.csv")]):
        with pytest.raises(CommandError, match="a day or a time is wanted, such as 2026-03-01 or"):
            call_command("audit", *command, f"{option}={text}")
    assert list(tmp_path.iterdir()) == []


def test_an_account_of_several_batches_has_each_row_once(
    trail: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disclosures, "BATCH", 2)
    for number in range(5):
        trail.commit([msgspec.structs.replace(LOOK, request_id=f"r-{number}")])
    file = tmp_path / "account.csv"
    call_command("audit", "account", "m-1", str(file), stdout=io.StringIO())

    lines = file.read_text().splitlines()[1:]
    assert [line.split(",")[9] for line in lines[:5]] == [f"r-{number}" for number in range(5)]
    assert [line.split(",")[4] for line in lines[5:]] == ["audit.account"]


def test_what_others_chose_is_cut_to_its_column_and_made_readable(trail: Recorder) -> None:
    trail.commit([msgspec.structs.replace(LOOK, reason="a\nb\x00" + "c" * 400, request_id="é\x7f" + "r" * 70)])

    entry = AuditEntry.objects.latest("pk")
    assert (entry.reason, entry.request_id) == ("a?b?" + "c" * (REASON_LENGTH - 4), "é?" + "r" * 62)
