"""How many requests of a process wait on upstreams, and how many on the calls of others."""

from contextlib import ExitStack

import pytest

from gateway_clients.errors import GatewayOverloadedError, UpstreamBusyError
from gateway_clients.resilience.admission import Admission, Followers


def test_admission_sheds_above_its_limit_and_takes_again_after_one_left() -> None:
    admission = Admission(2)
    admission.enter()
    admission.enter()
    assert not admission.try_enter()
    with pytest.raises(GatewayOverloadedError) as shed:
        admission.enter()
    assert (shed.value.status, shed.value.retry_after_seconds, admission.waiting) == (503, 1.0, 2)
    admission.leave()
    assert admission.try_enter()


def test_while_the_upstream_is_well_a_crowd_may_follow_and_who_comes_beyond_is_shed() -> None:
    followers = Followers("claims", most=3, share=1, is_in_trouble=lambda: False)
    with ExitStack() as waiting:
        for _ in range(3):
            waiting.enter_context(followers.following())
        with pytest.raises(GatewayOverloadedError):
            waiting.enter_context(followers.following())
        assert followers.waiting == 3

    assert followers.waiting == 0


def test_while_it_is_in_trouble_a_share_may_follow() -> None:
    troubles: list[str] = []
    followers = Followers("claims", most=4, share=2, is_in_trouble=lambda: bool(troubles))
    with ExitStack() as waiting:
        for _ in range(3):
            waiting.enter_context(followers.following())
        troubles.append("timeout")
        with pytest.raises(UpstreamBusyError) as refused:
            waiting.enter_context(followers.following())

    assert (refused.value.service, refused.value.was_sent) == ("claims", False)
    with followers.following(), followers.following(), pytest.raises(UpstreamBusyError), followers.following():
        pass


def test_who_waits_for_anothers_call_holds_no_place_that_others_need() -> None:
    admission = Admission(1)
    admission.enter()
    with admission.aside():
        admission.enter()
        assert not admission.try_enter()
    assert admission.waiting == 2
    admission.leave()
    admission.leave()
    assert admission.waiting == 0
