"""What a process has one of is made once, also when many threads are the first."""

import threading

from gateway_clients.runtime.singletons import process_singleton
from tests.support.calls import at_once


def test_many_threads_make_one() -> None:
    made: list[str] = []
    is_begun = threading.Event()

    @process_singleton
    def thing(name: str) -> object:
        is_begun.wait(0.1)
        made.append(name)
        return object()

    first = {id(each.result) for each in at_once(8, lambda: thing("a"))}
    second = thing("b")

    assert (len(first), made) == (1, ["a", "b"])
    assert id(second) not in first
    assert len(thing.instances()) == 2


def test_it_is_made_anew_after_it_was_cleared() -> None:
    numbers = iter(range(9))
    number = process_singleton(lambda: next(numbers))

    assert (number(), number()) == (0, 0)
    number.cache_clear()
    assert (number(), number()) == (1, 1)


def test_what_could_not_be_made_is_tried_again() -> None:
    answers = iter([0, 2])
    half = process_singleton(lambda: 2 // next(answers))

    try:
        half()
    except ZeroDivisionError:
        assert half() == 1
    else:
        raise AssertionError("it was made")
