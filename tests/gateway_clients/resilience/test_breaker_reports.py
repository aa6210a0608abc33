"""What processes report of their breakers, for staff to see."""

import msgspec

from tests.gateway_clients.resilience.sides import Side


def test_a_report_tells_how_the_last_call_that_says_something_ended_and_when(sides: tuple[Side, Side]) -> None:
    one, _ = sides

    def told() -> tuple[str, float]:
        (report,) = one.sharing.reports()
        return report.last_answer, report.answered_at

    assert told() == ("none", 0.0)
    one.breaker.admit().failed(0.1)
    one.clock.advance(5)
    assert told() == ("failed", 1000.0)
    one.breaker.admit().ignored()
    assert told() == ("failed", 1000.0)
    one.breaker.admit().succeeded(0.1)
    one.clock.advance(5)
    assert told() == ("ok", 1005.0)


def test_a_process_that_says_nothing_more_leaves_no_name_in_redis(sides: tuple[Side, Side]) -> None:
    one, other = sides
    names = f"{one.prefix}:breakers:names"
    one.redis.zadd(names, {"1-dead": 1.0})
    one.sharing.poll()
    assert set(one.redis.zrange(names, 0, -1)) == {side.sharing.process.encode() for side in sides}
    assert 0 < one.redis.pttl(names) <= 5000
    assert 0 < one.redis.pttl(f"{one.prefix}:breakers:reports:{other.sharing.process}") <= 5000


def test_staff_see_the_breakers_of_every_process_that_lives(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.trip()
    one.clock.advance(7)
    other.breaker.pause(20)
    for side in sides:
        side.sharing.poll()
    found = {report.process: report for report in one.sharing.all_reports()}
    assert set(found) == {one.sharing.process, other.sharing.process}
    mine, others = found[one.sharing.process], found[other.sharing.process]
    assert (mine.service, mine.state, mine.failures, mine.since) == ("claims", "open", 5, 1000.0)
    assert (others.state, others.paused_seconds, others.override) == ("closed", 20.0, "normal")

    one.redis.delete(f"{one.sharing._store._prefix}:reports:{other.sharing.process}")
    assert {report.process for report in one.sharing.all_reports()} == {one.sharing.process}


def test_junk_among_the_reports_is_passed_over(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.redis.set(f"{one.sharing._store._prefix}:reports:{other.sharing.process}", b"junk")
    assert {report.process for report in one.sharing.all_reports()} == {one.sharing.process}


def test_a_report_survives_the_way_through_redis(sides: tuple[Side, Side]) -> None:
    report = sides[0].sharing.reports()[0]
    assert msgspec.json.decode(msgspec.json.encode(report), type=type(report)) == report
