"""What the overview calls a trouble, since when, and whom it hurts: read off slices and the breakers of processes."""

import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from claims.models import Operation, State, Submission
from gateway_clients.console.figures import Trouble
from gateway_clients.console.measurements import Measurements
from gateway_clients.console.troubles import troubles_of
from gateway_clients.console.upstream_lines import upstream_lines
from gateway_clients.fleet.counters import FINE, Counts, total
from gateway_clients.fleet.processes import BreakerStatus, ProcessStatus
from tests.gateway_clients.console.reading import text_of

NOW = 1_900_000_000.0
CLOSED = BreakerStatus(state="closed", override="normal", since=NOW - 86_400)
GOOD, BAD, QUIET = (20, 2), (20, 10), (0, 0)


def slices(*told: tuple[int, int]) -> list[Counts]:
    """Slices of 15 seconds from the oldest on: how many calls of payment, and how many of them failed."""
    return [{"call|payment|calls": calls, "call|payment|errors": errors} for calls, errors in told]


def found_in(fine: Sequence[Counts] = (), breaker: BreakerStatus = CLOSED) -> list[Trouble]:
    status = ProcessStatus(
        process="a", host="h", pid=1, version="1", started_at=0.0, reported_at=NOW, breakers={"payment": breaker}
    )
    measured = Measurements(is_redis_down=False, fine=fine, recent=total(fine[-5:]), processes=[status])
    return troubles_of(upstream_lines(measured), measured)


@pytest.mark.parametrize(
    ("told", "slices_ago"),
    [
        ((GOOD, BAD, BAD, BAD), 3),
        ((BAD, GOOD, BAD, BAD, BAD), 3),
        ((GOOD, BAD, QUIET, BAD, BAD), 4),
        ((GOOD, QUIET, BAD, BAD, QUIET), 3),
    ],
)
def test_an_upstream_whose_calls_fail_is_in_trouble_since_the_run_of_them_began(
    told: Sequence[tuple[int, int]], slices_ago: int
) -> None:
    (trouble,) = found_in(slices(*told))

    assert trouble.title.startswith("payment: ")
    assert trouble.title.endswith("% of its calls fail or are slow")
    assert (trouble.tone, trouble.whom) == ("fair", "nobody in the last five minutes")
    assert trouble.since == NOW - slices_ago * FINE.seconds


def test_nobody_knows_since_when_calls_fail_that_did_not_in_the_latest_slice() -> None:
    (trouble,) = found_in(slices(BAD, BAD, BAD, GOOD))

    assert trouble.title == "payment: 40 % of its calls fail or are slow"
    assert trouble.since is None


@pytest.mark.parametrize("told", [(GOOD, GOOD, GOOD), ((9, 9),), ((20, 1), (20, 3))])
def test_few_calls_and_few_failures_are_no_trouble(told: Sequence[tuple[int, int]]) -> None:
    assert found_in(slices(*told)) == []


@pytest.mark.parametrize(
    ("override", "state", "tone", "title"),
    [
        ("forced_open", "closed", "bad", "payment is forced open by staff"),
        ("forced_closed", "open", "fair", "payment is forced closed by staff"),
    ],
)
def test_an_override_is_a_trouble_until_it_ends(override: str, state: str, tone: str, title: str) -> None:
    (trouble,) = found_in(breaker=BreakerStatus(state=state, override=override, since=NOW - 60))

    assert (trouble.tone, trouble.title, trouble.since) == (tone, title, NOW - 60)
    assert trouble.help == "It ends by itself; back to normal ends it now."


def test_a_pause_is_a_trouble_of_which_nobody_knows_since_when() -> None:
    paused = BreakerStatus(state="closed", override="normal", since=NOW - 86_400, paused_seconds=3.0)
    (trouble,) = found_in(breaker=paused)

    assert (trouble.title, trouble.since) == ("payment asked for a pause (429)", None)


def test_submissions_of_unknown_outcome_are_a_trouble_since_the_first_of_them(staff: Client) -> None:
    now = timezone.now()
    for hours, state in ((3, State.SUBMITTED), (2, State.UNKNOWN), (1, State.UNKNOWN)):
        Submission.objects.create(
            account_id="7",
            operation=Operation.SUBMIT,
            member_id="m-1",
            state=state,
            created_at=now - timedelta(hours=hours),
            leased_until=now,
            expires_at=now + timedelta(hours=1),
            asked=b"",
        )
    page = staff.get("/admin/console/overview/")

    (trouble,) = (trouble for trouble, _ in page.context["overview"]["troubles"])
    assert trouble.title == "The outcome of 2 submissions are unknown"
    assert trouble.since == pytest.approx(time.time() - 2 * 3600, abs=60)
    assert trouble.url == "/admin/claims/submission/?state__exact=unknown"
    assert "All is well" not in text_of(page)
