"""What an answer takes of the processor grows no faster than what it shows."""

import time
from collections.abc import Callable
from typing import Final

import pytest
from django.test import Client

from tests.support.answering import AnsweringUpstreams
from tests.upstream_answers import CLAIM

pytestmark = pytest.mark.alone

#: Rounds of so many answers; the fastest round is what they take without other things on the machine.
ROUNDS, ANSWERS = 10, 20
ITEM: Final = {"benefit_code": "CONS-GP", "description": "Consultation", "amount": 125_000, "quantity": 1}


def read(client: Client) -> int:
    """The items of a claim that is asked for anew."""
    return len(client.get("/api/v1/claims/m-1/clm-1", headers={"Cache-Control": "no-cache"}).json()["items"])


def test_a_claim_of_fifty_items_takes_at_most_seven_tenths_more_than_one_of_one(
    as_: Callable[[str | None], Client], upstreams: AnsweringUpstreams
) -> None:
    client, seconds = as_("admin"), dict[int, float]()
    for _ in range(ROUNDS):
        for items in (1, 50):
            upstreams.answers["getClaim"] = {**CLAIM, "items": [ITEM] * items}
            assert read(client) == items
            began = time.process_time()
            for _ in range(ANSWERS):
                read(client)
            seconds[items] = min(seconds.get(items, 1e9), time.process_time() - began)

    assert seconds[50] <= 1.7 * seconds[1]
