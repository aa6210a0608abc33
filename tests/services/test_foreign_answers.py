"""Answers about somebody else are refused; payloads come back from the cache as they were."""

import msgspec
import pytest

from gateway_clients.pipeline.call import Call, ForeignAnswerError
from tests.upstreams import UPSTREAMS

ANSWERS = [row for each in UPSTREAMS.values() for row in each.foreign]


@pytest.mark.parametrize(("call", "own", "foreign"), ANSWERS, ids=lambda value: getattr(value, "operation", ""))
def test_an_answer_about_somebody_else_is_refused(call: Call, own: object, foreign: object) -> None:
    assert call.parse(msgspec.json.encode(own)).drift == ()
    with pytest.raises(ForeignAnswerError):
        call.parse(msgspec.json.encode(foreign))


def test_every_kept_payload_comes_back_as_it_was() -> None:
    for call, own, _ in ANSWERS:
        value = call.parse(msgspec.json.encode(own)).value
        for encoder in (msgspec.json, msgspec.msgpack):
            assert encoder.decode(encoder.encode(value), type=call.payload_type) == value
