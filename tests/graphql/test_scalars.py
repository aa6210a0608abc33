"""What GraphQL takes for a date, and how it shows amounts."""

import datetime

import pytest
from graphql import GraphQLError, StringValueNode

from gateway_clients.edge.graphql.scalars import Date


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01", datetime.date(2026, 3, 1)),
        ("2026-03-01T08:30:00Z", datetime.date(2026, 3, 1)),
        ("2026-03-01t23:30:00.123456789z", datetime.date(2026, 3, 2)),
        ("2026-03-02T00:30:00+09:00", datetime.date(2026, 3, 1)),
    ],
)
def test_a_day_is_a_date_or_a_moment_by_the_insurers_calendar(text: str, day: datetime.date) -> None:
    assert Date.parse_value(text) == Date.parse_literal(StringValueNode(value=text)) == day


@pytest.mark.parametrize(
    "text",
    [
        "2026-W48-6",
        "2026-W48",
        "20261128",
        "2026-333",
        "2026-02-30",
        "2026-3-1",
        "2026-03-01 ",
        "2026-03-01T08:30:00",
        "2026-03-01T08:30:00+07",
        "2026-03-01T08:30Z",
        "2026-03-01 08:30:00Z",
        "2026-W48-6T08:30:00Z",
        "20260301T083000Z",
        "2026-03-01T08:30:00,5Z",
        "2026-03-01T24:30:00Z",
        "0001-01-01T00:00:00+07:00",
        "\u0662026-03-01",
        "",
        5,
        None,
    ],
)
def test_what_is_neither_is_refused(text: object) -> None:
    with pytest.raises(GraphQLError):
        Date.parse_value(text)
