"""When a process may answer from its memory."""

from gateway_clients.cluster.lease import Lease
from tests.support.clock import FakeClock


def leased(clock: FakeClock, *, number: int = 5) -> Lease:
    lease = Lease(clock=clock)
    lease.begin()
    assert lease.renewed("e", number, clock.now + 2.0)
    return lease


def test_it_holds_from_its_first_renewal_until_its_end() -> None:
    clock = FakeClock()
    lease = Lease(clock=clock)
    seen = [lease.is_valid]
    lease.renewed("e", 5, clock.now + 2.0)
    for seconds in (1.9, 0.2):
        clock.advance(seconds)
        seen.append(lease.is_valid)

    assert seen == [False, True, False]


def test_a_renewal_holds_once_the_messages_before_it_are_done() -> None:
    clock = FakeClock()
    lease = leased(clock)
    clock.advance(1.0)
    lease.renewed("e", 7, clock.now + 2.0)
    lease.done("e", 6)
    clock.advance(1.5)
    before = lease.is_valid, lease.behind_seconds
    lease.done("e", 7)

    assert (before, lease.is_valid, lease.behind_seconds) == ((False, 1.5), True, 0.0)


def test_a_message_that_was_missed_is_noticed() -> None:
    lease = leased(FakeClock())

    assert [lease.is_next("e", number) for number in (5, 6, 7)] == [False, True, False]
    assert lease.is_next("another", 6) is False


def test_another_epoch_renews_nothing() -> None:
    clock = FakeClock()
    lease = leased(clock)
    clock.advance(1.9)

    assert lease.renewed("another", 0, clock.now + 2.0) is False
    clock.advance(0.2)
    assert lease.is_valid is False


def test_who_begins_anew_has_none() -> None:
    lease = leased(FakeClock())
    lease.begin()

    assert (lease.is_valid, lease.is_begun, lease.position) == (False, False, ("", 0))
