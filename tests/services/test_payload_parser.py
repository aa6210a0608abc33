"""What becomes of answers that are not as their contract says."""

import datetime
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest

from gateway_clients.pipeline.call import ForeignAnswerError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services import lenient
from gateway_clients.services.claims import (
    ClaimEventPayload,
    ClaimItemPayload,
    ClaimPayload,
    ClaimProviderPayload,
    ClaimsService,
    ClaimsSummaryPayload,
)
from gateway_clients.services.notification import NotificationPayload
from gateway_clients.services.payload_parser import Page, Parsed, Parser, nothing, one, page
from tests.support.clock import FakeClock

P = TypeVar("P")
WHOLE = {
    "id": "clm-1",
    "claim_number": "2026-000001",
    "member_id": "m-1",
    "status": "rejected",
    "service_date": "2026-03-01",
    "submitted_at": "2026-03-02T01:02:03Z",
    "total_amount": 500000,
    "approved_amount": None,
    "rejection_reason": "not covered",
    "provider": {"id": "p-1", "name": "RS Sehat", "location": "Bandung, Jawa Barat", "owner": "unknown field"},
    "items": [{"benefit_code": "CONS-GP", "description": "Consultation", "amount": 500000, "quantity": 1}],
    "history": [{"status": "submitted", "at": "2026-03-02T01:02:03Z", "note": None}],
    "a_field_of_next_year": {"deep": [1, 2, {"x": 1e400}]},
}
READ = ClaimPayload(
    id="clm-1",
    claim_number="2026-000001",
    member_id="m-1",
    status="rejected",
    service_date=datetime.date(2026, 3, 1),
    submitted_at=datetime.datetime(2026, 3, 2, 1, 2, 3, tzinfo=datetime.UTC),
    total_amount=500000,
    rejection_reason="not covered",
    provider=ClaimProviderPayload(id="p-1", name="RS Sehat", location="Bandung, Jawa Barat"),
    items=(ClaimItemPayload(benefit_code="CONS-GP", description="Consultation", amount=500000),),
    history=(ClaimEventPayload(status="submitted", at=datetime.datetime(2026, 3, 2, 1, 2, 3, tzinfo=datetime.UTC)),),
)


def without_shapes(parse: Parser[P]) -> Callable[..., Parsed[P]]:
    """A parser whose answers can be compared; what it tells of the shape of broken fields has a test of its own."""
    return lambda *given, **more: msgspec.structs.replace(parse(*given, **more), shapes={})


claim = without_shapes(one(ClaimPayload, is_asked_for=lambda found: found.id == "clm-1"))
claims = without_shapes(page(ClaimPayload, is_asked_for=lambda found: found.member_id == "m-1"))


def json(value: object) -> bytes:
    return msgspec.json.encode(value)


def body_with(name: str, raw: bytes) -> bytes:
    return json({**WHOLE, name: "@"}).replace(b'"@"', raw)


def test_a_whole_answer_is_read_and_unknown_fields_are_dropped() -> None:
    assert claim(json(WHOLE)) == Parsed(READ)


@pytest.mark.parametrize(
    ("name", "raw", "shape"),
    [
        ("rejection_reason", b"17", "a number"),
        ("approved_amount", b'"much"', "a text of 4 letters"),
        ("items", b"null", "null"),
        ("provider", b"[1]", "a list of 1"),
    ],
)
def test_what_stands_in_a_broken_field_is_told_by_kind_alone(name: str, raw: bytes, shape: str) -> None:
    assert list(one(ClaimPayload)(body_with(name, raw)).shapes.values()) == [shape]


def test_a_page_is_read_with_its_total() -> None:
    assert claims(json({"items": [WHOLE, WHOLE], "total": 17})) == Parsed(Page((READ, READ), 17))


def test_an_empty_page_is_a_page() -> None:
    assert claims(b'{"items": [], "total": 0}') == Parsed(Page((), 0))


@pytest.mark.parametrize("encoder", [msgspec.json, msgspec.msgpack])
def test_a_payload_comes_back_from_the_cache_as_it_was(encoder) -> None:
    kept = Page((READ,), 1)

    assert encoder.decode(encoder.encode(kept), type=page(ClaimPayload).payload_type) == kept


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"17",
        b"<html><title>502 Bad Gateway</title></html>",
        b'{"items": [], "total": 0} trailing',
        b'{"items": [',
        b'{"items": null, "total": 0}',
        b'{"items": {}, "total": 0}',
        b'{"claims": [], "total": 0}',
        b'{"items": [NaN], "total": 0}',
        b'{"items": [], "total": NaN}',
        b'{"items": [{"id": "\\ud800"}], "total": 1}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b'{"items": [17, null, "x", []], "total": 4}',
        b"[" * 100_000,
        b'{"items":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"items":[],"x":' + b'{"x":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b'{"items":[{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_an_unusable_answer_is_a_value_error_and_nothing_else(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        claims(body)
    with pytest.raises(ValueError):  # noqa: PT011
        claim(body)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("id", b"null"),
        ("id", b"17"),
        ("claim_number", b"{}"),
        ("member_id", b"[]"),
        ("status", b"null"),
        ("service_date", b'"yesterday"'),
        ("service_date", b'"2026-02-30"'),
        ("total_amount", b'"500000"'),
        ("total_amount", b"500000.5"),
        ("total_amount", b"true"),
        ("total_amount", b"9" * 5000),
        ("total_amount", b"9007199254740993"),
        ("claim_number", b'"\xff"'),
    ],
)
def test_a_broken_required_field_costs_that_item_alone(name: str, raw: bytes) -> None:
    broken = body_with(name, raw)

    with pytest.raises(ValueError):  # noqa: PT011
        one(ClaimPayload)(broken)
    assert without_shapes(page(ClaimPayload))(
        b'{"items": [' + broken + b"," + json(WHOLE) + b'], "total": 2}'
    ) == Parsed(Page((READ,), 2), omitted=1, drift=(f"items[].{name}", "items[]"))


@pytest.mark.parametrize("name", ["id", "claim_number", "member_id", "status", "service_date", "total_amount"])
def test_a_missing_required_field_costs_that_item_alone(name: str) -> None:
    broken = {key: value for key, value in WHOLE.items() if key != name}

    with pytest.raises(ValueError, match=f"{name} is missing"):
        one(ClaimPayload)(json(broken))
    assert claims(json({"items": [WHOLE, broken], "total": 2})) == Parsed(
        Page((READ,), 2), omitted=1, drift=(f"items[].{name}", "items[]")
    )


@pytest.mark.parametrize(
    ("name", "raw", "value", "drift"),
    [
        ("submitted_at", b'"2026-03-02T01:02:03"', None, "submitted_at"),
        ("submitted_at", b"1700000000", None, "submitted_at"),
        ("approved_amount", b'"much"', None, "approved_amount"),
        ("rejection_reason", b"17", None, "rejection_reason"),
        ("provider", b'"RS Sehat"', None, "provider"),
        ("provider", b'{"id": "p-1", "name": 17}', ClaimProviderPayload(id="p-1"), "provider.name"),
        ("items", b"null", (), "items"),
        ("history", b'"none"', (), "history"),
        (
            "items",
            b'[{"benefit_code": "A", "amount": 1, "quantity": null}]',
            (ClaimItemPayload(benefit_code="A", amount=1),),
            "items[].quantity",
        ),
    ],
)
def test_a_broken_optional_field_is_left_out_and_named(name: str, raw: bytes, value: object, drift: str) -> None:
    expected = msgspec.structs.replace(READ, **{name: value})

    assert claim(body_with(name, raw)) == Parsed(expected, drift=(drift,), drifted=(drift,))
    assert claims(b'{"total": 1, "items": [' + body_with(name, raw) + b"]}") == Parsed(
        Page((expected,), 1), drift=(f"items[].{drift}",), drifted=(f"items[].{drift}",)
    )


@pytest.mark.parametrize(
    "name", ["approved_amount", "provider", "items", "history", "submitted_at", "rejection_reason"]
)
def test_a_missing_optional_field_is_no_drift(name: str) -> None:
    parsed = claim(json({key: value for key, value in WHOLE.items() if key != name}))

    assert parsed.drift == ()
    assert not getattr(parsed.value, name)


def test_a_broken_step_of_the_history_is_left_out_and_counted() -> None:
    steps = [{"status": "submitted", "at": "soon"}, *WHOLE["history"]]

    assert claim(json({**WHOLE, "history": steps})) == Parsed(READ, omitted=1, drift=("history[].at", "history[]"))


def test_an_inner_list_with_items_left_out_has_drifted() -> None:
    steps = [{"status": "submitted", "at": "soon"}, *WHOLE["history"]]

    parsed = claims(json({"items": [{**WHOLE, "history": steps}], "total": 1}))

    assert parsed == Parsed(
        Page((READ,), 1),
        drift=("items[].history[].at", "items[].history[]"),
        drifted=("items[].history[]",),
    )


@pytest.mark.parametrize("name", ["items", "history"])
@pytest.mark.parametrize("raw", [b"null", b'"none"', b"{}", b'[{"at": 1}]'])
def test_a_read_of_one_claim_fails_for_a_list_that_cannot_be_read(name: str, raw: bytes) -> None:
    read, write = (
        ClaimsService().get_claim("clm-1").parse,
        ClaimsService().cancel_claim("clm-1", idempotency_key="k").parse,
    )

    with pytest.raises(ValueError):  # noqa: PT011
        read(body_with(name, raw))
    assert write(body_with(name, raw)).value == msgspec.structs.replace(READ, **{name: ()})


def test_a_list_in_which_nothing_could_be_read_is_unusable() -> None:
    with pytest.raises(ValueError, match="nothing of items could be read"):
        claims(b'{"items": [{"id": "clm-1"}, {"id": "clm-2"}], "total": 2}')
    with pytest.raises(ValueError, match="nothing of by_status could be read"):
        one(ClaimsSummaryPayload)(b'{"total": 2, "by_status": [{"status": "paid"}]}')


@pytest.mark.parametrize("total", [b"null", b'"2"', b"-1", b"9" * 5000])
def test_a_page_without_a_usable_total_shows_its_items(total: bytes) -> None:
    body = b'{"items": [' + json(WHOLE) + b'], "total": ' + total + b"}"

    # One that was not sent is null to a portal and no more; one that was sent and cannot be read has drifted.
    drifted = () if total == b"null" else ("total",)
    assert claims(body) == Parsed(Page((READ,), None), drift=("total",), drifted=drifted)


def test_a_page_whose_total_is_missing_says_so_only_where_the_contract_has_one() -> None:
    assert claims(json({"items": [WHOLE]})).drift == ("total",)
    assert page(NotificationPayload, has_total=False)(b'{"items": []}').drift == ()


def test_an_answer_about_somebody_else_is_refused() -> None:
    with pytest.raises(ForeignAnswerError):
        claim(json({**WHOLE, "id": "clm-2"}))


def test_one_foreign_item_refuses_the_page_also_beside_a_broken_one() -> None:
    foreign = {**WHOLE, "member_id": "m-2"}

    with pytest.raises(ForeignAnswerError):
        claims(json({"items": [WHOLE, foreign], "total": 2}))
    with pytest.raises(ForeignAnswerError):
        claims(json({"items": [{}, foreign], "total": 2}))


def test_of_a_repeated_key_the_last_counts_for_the_value_and_for_the_check() -> None:
    with pytest.raises(ForeignAnswerError):
        claim(json(WHOLE)[:-1] + b',"id":"clm-2"}')


def test_the_names_of_drifting_fields_are_bounded() -> None:
    drifting = dict.fromkeys(("rejection_reason", "provider", "items", "history", "submitted_at"), 17)
    broken = {key: value for key, value in WHOLE.items() if key != "id"}
    parsed = claims(json({"items": [{**WHOLE, **drifting}, *[broken] * 1000], "total": 1001}))

    assert parsed.omitted == 1000
    assert len(parsed.drift) == 7


def test_a_body_that_does_not_matter_is_not_read() -> None:
    assert nothing(b"<garbage") == Parsed(None)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-03-01T00:00:00Z", datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)),
        ("2026-03-01T07:00:00+07:00", datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)),
        ("2026-02-28T19:30:00.250-04:30", datetime.datetime(2026, 3, 1, microsecond=250_000, tzinfo=datetime.UTC)),
    ],
)
def test_moments_are_held_in_utc_before_and_after_the_cache(sent: str, kept: datetime.datetime) -> None:
    value = claim(body_with("submitted_at", f'"{sent}"'.encode())).value

    assert value.submitted_at == kept
    for encoder in (msgspec.json, msgspec.msgpack):
        again = encoder.decode(encoder.encode(value), type=ClaimPayload)
        assert msgspec.json.encode(again) == msgspec.json.encode(value)


@pytest.mark.parametrize("sent", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_moment_outside_all_calendars_costs_its_field(sent: str) -> None:
    parsed = claim(body_with("submitted_at", f'"{sent}"'.encode()))

    assert (parsed.value.submitted_at, parsed.value.id) == (None, "clm-1")
    assert parsed.drift == ("submitted_at",)


@pytest.mark.parametrize("sent", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_such_a_moment_that_must_be_there_costs_its_item(sent: str) -> None:
    good = {"status": "paid", "at": "2026-03-01T00:00:00Z"}
    parsed = claim(json({**WHOLE, "history": [{"status": "submitted", "at": sent}, good]}))

    assert [event.status for event in parsed.value.history] == ["paid"]
    assert parsed.drift == ("history[].at", "history[]")


def page_of(*items: bytes) -> bytes:
    return b'{"items":[' + b",".join(items) + b'],"total":1}'


def test_one_good_claim_is_found_among_as_many_broken_ones_as_may_be() -> None:
    found = claims(page_of(*[b"{}"] * lenient.MOST_SLOW_ITEMS, json(WHOLE)))

    assert (found.value.items, found.omitted) == ((READ,), 10_000)


@pytest.mark.parametrize("broken", [b"{}", b"7", json({**WHOLE, "approved_amount": "much"})])
def test_more_broken_items_than_that_are_no_answer(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r"^too many broken items$"):
        claims(page_of(*[broken] * (lenient.MOST_SLOW_ITEMS + 1), json(WHOLE)))


@pytest.mark.parametrize(
    "body",
    [
        page_of(*[b"1"] * 2_400_000),
        page_of(b'{"id":[' + b",".join([b"1"] * 2_400_000) + b"]}"),
        b"{" + b",".join(b'"%x":1' % number for number in range(500_002)) + b"}",
    ],
    ids=["items", "a field", "names"],
)
def test_five_megabytes_of_nothing_but_values_are_refused_in_small_memory(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"^too many broken items$"):
            claims(body)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 1_000_000


def test_broken_items_within_items_count_too() -> None:
    body = body_with("items", b"[" + b",".join([b"{}"] * (lenient.MOST_SLOW_ITEMS + 1)) + b"]")

    with pytest.raises(ValueError, match=r"^too many broken items$"):
        claim(body)


def test_broken_items_are_read_by_the_deadline_or_not_at_all() -> None:
    clock = FakeClock()
    looked_at: list[float] = []

    def ticking() -> float:
        """A second passes with each look."""
        clock.advance(1.0)
        looked_at.append(clock())
        return clock()

    begun_at = clock()
    with pytest.raises(TimeoutError):
        claims(page_of(*[b"{}"] * 1_000), Deadline(begun_at + 3.0, ticking))

    assert looked_at == [begun_at + seconds for seconds in (1.0, 2.0, 3.0)]
    assert claims(page_of(*[b"{}"] * 1_000, json(WHOLE)), Deadline(clock() + 100.0, clock)).omitted == 1_000
