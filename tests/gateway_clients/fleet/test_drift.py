"""Contract drift over all processes: since when a field drifts, until when it did before, what portals saw."""

from collections.abc import Callable

import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.fleet.drift import BETWEEN_SPELLS_SECONDS, MOST_SPELLS, DriftBook, DriftedField, saw_name
from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord
from tests.support.clock import FakeClock

FIELD = "items[].total_amount"
PROFILE, CLAIMS = "/api/v1/members/<id:member_id>", "/api/v1/claims"
HOUR = 3600.0


class Processes:
    """Two processes of one gateway, and what they know of the field."""

    def __init__(self, redis: Redis, prefix: str, clock: FakeClock) -> None:
        self.redis, self.clock = redis, clock
        self.one, self.other = DriftBook(prefix, now=clock), DriftBook(prefix, now=clock)

    def drift(self, book: DriftBook, *, saw: dict[str, int] | None = None) -> None:
        """An answer drifts in a process, which tells, with what portals saw."""
        book.hear(call())
        book.hear(DriftRecord(service="claims", operation="listClaims", fields=(FIELD,), omitted=0))
        names = {
            saw_name(FIELD, service="claims", operation="listClaims", route=route): n
            for route, n in (saw or {}).items()
        }
        book.tell(self.redis, names)

    def mend(self, book: DriftBook) -> None:
        """An answer reads right in a process, which tells."""
        self.clock.advance(1)
        book.hear(call())
        book.tell(self.redis, {})

    @property
    def field(self) -> DriftedField:
        (found,) = self.one.fields(self.redis)
        return found


def call() -> CallRecord:
    return CallRecord(service="claims", operation="listClaims", outcome="ok", seconds=0.1, state="asked")


@pytest.fixture
def processes(settings: Settings, prefix: str) -> Processes:
    return Processes(Redis.from_url(settings.REDIS_URL), prefix, FakeClock())


def test_a_spell_that_is_over_is_kept_with_its_end_its_times_and_what_portals_saw(processes: Processes) -> None:
    began_at = processes.clock()
    processes.drift(processes.one, saw={PROFILE: 2})
    processes.drift(processes.other, saw={PROFILE: 1, CLAIMS: 4})
    processes.mend(processes.other)
    ended_at = processes.clock()
    processes.clock.advance(HOUR)
    processes.drift(processes.other, saw={CLAIMS: 1})

    field = processes.field
    assert (field.since, field.times, field.saw, field.is_quarantined) == (ended_at + HOUR, 1, {CLAIMS: 1}, True)
    (spell,) = field.spells
    assert (spell.since, spell.until, spell.times) == (began_at, ended_at, 2)
    assert spell.saw == {PROFILE: 3, CLAIMS: 4}


def test_what_reads_right_for_a_moment_has_drifted_on(processes: Processes) -> None:
    began_at = processes.clock()
    processes.drift(processes.one)
    processes.mend(processes.one)
    processes.clock.advance(BETWEEN_SPELLS_SECONDS - 1)
    processes.drift(processes.other)

    field = processes.field
    assert (field.since, field.times, field.spells, field.is_quarantined) == (began_at, 2, (), True)


def test_no_more_spells_are_kept_than_are_shown(processes: Processes) -> None:
    for _ in range(MOST_SPELLS + 3):
        processes.drift(processes.one)
        processes.mend(processes.one)
        processes.clock.advance(HOUR)
    assert len(processes.field.spells) == MOST_SPELLS


def test_what_two_processes_tell_at_once_is_a_sum(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    processes.drift(processes.one)
    read: Callable[..., object] = Redis.transaction

    def overtaken(redis: Redis, add: Callable[..., object], *names: str) -> object:
        monkeypatch.undo()
        processes.other.hear(call())
        processes.other.hear(DriftRecord(service="claims", operation="listClaims", fields=(FIELD,), omitted=0))

        def late(pipeline: object) -> object:
            if processes.other._seen:
                found = add(pipeline)
                processes.other.tell(redis, {})
                return found
            return add(pipeline)

        return read(redis, late, *names)

    monkeypatch.setattr(Redis, "transaction", overtaken)
    processes.drift(processes.one)
    assert processes.field.times == 3
