"""What GraphQL takes for a date, and how it shows amounts."""

import datetime

import pytest
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode

from gateway_clients.edge.graphql.scalars import Date, DateTime, Rupiah


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


def test_a_moment_needs_its_offset() -> None:
    moment = datetime.datetime(2026, 3, 1, 8, 30, tzinfo=datetime.UTC)
    texts = ("2026-03-01T08:30:00Z", "2026-03-01t15:30:00+07:00")

    assert [DateTime.parse_value(text) for text in texts] == [moment, moment]
    assert DateTime.parse_literal(StringValueNode(value=texts[0])) == moment


@pytest.mark.parametrize("text", ["2026-03-01", "2026-03-01T08:30:00", "2026-02-30T08:30:00Z", "", 5, None])
def test_what_is_no_moment_is_refused(text: object) -> None:
    with pytest.raises(GraphQLError):
        DateTime.parse_value(text)


@pytest.mark.parametrize(("given", "amount"), [(0, 0), (10**12, 10**12), (5.0, 5), (1.5, 1.5)])
def test_an_amount_is_a_number_and_a_fraction_is_left_to_the_input_that_names_the_field(given, amount) -> None:
    assert Rupiah.parse_value(given) == amount
    assert type(Rupiah.parse_value(given)) is type(amount)


def test_an_amount_is_written_as_a_number() -> None:
    assert Rupiah.parse_literal(IntValueNode(value="500000")) == 500_000
    assert Rupiah.parse_literal(IntValueNode(value="9" * 5_000)) == float("inf")
    assert Rupiah.parse_literal(FloatValueNode(value="1e6")) == 1_000_000
    with pytest.raises(GraphQLError):
        Rupiah.parse_literal(StringValueNode(value="500000"))


@pytest.mark.parametrize("given", ["500000", True, None, []])
def test_what_is_no_number_is_no_amount(given: object) -> None:
    with pytest.raises(GraphQLError):
        Rupiah.parse_value(given)
