"""Retention on PostgreSQL where somebody has put rows of their own among ours: those stay, and the others go."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.database.conftest import prepare
from tests.security.test_audit_postgresql import told
from tests.writes.servers import postgres

#: A chain has the rows 1 to 20 in January, and 21 to 40 in February.
TWO_MONTHS: Final = """
from django.db import connection
from structlog.testing import capture_logs
from gateway_clients.audit.partitions import make_partitions
from gateway_clients.models import AuditChain, AuditEntry
JANUARY, FEBRUARY, MARCH = (datetime.datetime(2060, month, 1, tzinfo=datetime.UTC) for month in (1, 2, 3))
make_partitions(connection, JANUARY)
rows(40, int(FEBRUARY.timestamp() * 1e6) - DAY, DAY // 20)
chain = AuditChain.objects.latest("pk")
def forge(**values):
    row = AuditEntry.objects.filter(chain=chain, number=1).get()
    row.pk, row.at = None, JANUARY
    for name, value in values.items():
        setattr(row, name, value)
    row.save(force_insert=True)
def numbers(**conditions):
    found = AuditEntry.objects.filter(**conditions).order_by("number", "at")
    return list(found.values_list("number", flat=True))
def drop(end):
    with capture_logs() as lines:
        count = drop_before(end)
    return [count, [[line["event"], line.get("rows")] for line in lines if line["event"] != "audit.dropped"]]
"""
GONE: Final = ["audit.partition_dropped", None]


@pytest.fixture
def url() -> Iterator[str]:
    with postgres() as made:
        prepare(made)
        yield made


@pytest.mark.parametrize(
    ("forged", "trouble"),
    [
        ("chain_id=999_999, number=7", "it is not there, and 1 rows are said to be of it."),
        ("number=1000", "it and the rows up to 999 are missing."),
    ],
)
def test_rows_that_no_chain_vouches_for_stay_and_are_told_of_once(url: str, forged: str, trouble: str) -> None:
    said = told(
        url,
        TWO_MONTHS
        + f"""
forge({forged})
first, again = drop(FEBRUARY), drop(FEBRUARY)
left = numbers(at__lt=FEBRUARY)
print(json.dumps([first, again, left, numbers(at__gte=FEBRUARY), [each.trouble for each in verify().findings]]))
""",
    )

    assert isinstance(said, list)
    first, again, left, newer, troubles = said
    # The partitions of the months in which this test runs are empty, and go.
    assert (first[0], first[1][-1], again) == (20, ["audit.left", 1], [0, []])
    assert (len(left), newer) == (1, list(range(21, 41)))
    assert trouble in troubles


def test_a_number_that_is_there_twice_at_the_end_of_a_month_waits_for_the_next(url: str) -> None:
    said = told(
        url,
        TWO_MONTHS
        + """
forge(number=20)
first, left = drop(FEBRUARY), numbers(at__lt=FEBRUARY)
whole = [each.trouble for each in verify().findings]
drop(MARCH)
print(json.dumps([first[0], first[1][-1], left, whole, drop(MARCH), numbers()]))
""",
    )

    troubles = ["it was changed, moved, or does not belong here.", "it is there more than once."]
    assert said == [19, ["audit.left", 2], [20, 20], troubles, [0, [GONE]], []]


def test_an_old_time_under_a_newer_rows_number_takes_no_newer_row_with_it(url: str) -> None:
    said = told(url, TWO_MONTHS + "forge(number=30)\nprint(json.dumps([drop(FEBRUARY)[0], numbers()]))")

    assert said == [20, [*range(21, 31), *range(30, 41)]]


@pytest.mark.parametrize(
    ("forged", "one_by_one", "left"),
    [("chain_id=999_999, number=7", 0, 1), ("number=1000", 0, 1), ("number=3", 20, 0)],
    ids=["of no chain", "beyond its chain", "within its chain"],
)
def test_a_row_in_the_default_partition_costs_whole_months_no_more_than_its_own_chain(
    url: str, forged: str, one_by_one: int, left: int
) -> None:
    said = told(
        url,
        TWO_MONTHS
        + f"""
rows(12, int(JANUARY.timestamp() * 1e6), 1)
forge(at=datetime.datetime(2059, 12, 1, tzinfo=datetime.UTC), {forged})
dropped = drop(FEBRUARY)
again = drop(FEBRUARY)
print(json.dumps([dropped[0], {GONE} in dropped[1], again, len(numbers(at__lt=FEBRUARY)), len(numbers())]))
""",
    )

    assert said == [one_by_one, True, [0, []], left, 20 + left]


def test_rows_that_came_without_a_partition_go_before_the_month_behind_them(url: str) -> None:
    said = told(
        url,
        TWO_MONTHS
        + """
rows(30, int(JANUARY.timestamp() * 1e6) - 5, 1)
first = drop(FEBRUARY)
print(json.dumps([first[0], len(numbers(at__lt=FEBRUARY)), [each.trouble for each in verify().findings]]))
""",
    )

    assert said == [30, 0, []]
