"""What each method asks for, and under which key its answer is kept."""

import inspect
import re

import msgspec
import pytest

from gateway_clients.caching.shapes import shape_of
from gateway_clients.conf import SERVICES
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.call import Call
from tests.upstreams import UPSTREAMS

READS = [row for each in UPSTREAMS.values() for row in each.reads]
CHANGES = [row for each in UPSTREAMS.values() for row in each.changes]


def _name(value: object) -> str:
    """The same name in every process: a set has no order of its own."""
    return ",".join(sorted(value)) if isinstance(value, set) else str(value)[:40]


@pytest.mark.parametrize(("call", "operation", "line", "key", "subjects"), READS, ids=_name)
def test_a_read_says_what_to_ask_and_where_the_answer_is_kept(
    call: Call, operation: str, line: str, key: str | None, subjects: set[str]
) -> None:
    assert (call.operation, f"{call.method} {call.target}") == (operation, line)
    assert (call.body, call.is_repeatable) == (None, True)
    assert (str(call.key) if call.key else None) == (key and f"{key}~{shape_of(call.payload_type)}")
    kept_about = {tag for tag in call.key.tags if tag.count(":") == 1} if call.key else set()
    assert kept_about == subjects


@pytest.mark.parametrize(("call", "operation", "line", "body", "key", "twice"), CHANGES, ids=_name)
def test_a_change_or_a_question_is_never_kept(
    call: Call, operation: str, line: str, body: object, key: str | None, twice: bool
) -> None:
    assert (call.operation, f"{call.method} {call.target}") == (operation, line)
    assert (msgspec.json.decode(call.body) if call.body else None) == body
    kind_of_body = "multipart/form-data; boundary=0123456789" if operation == "uploadDocument" else None
    assert call.content_type == ("application/json" if call.body else kind_of_body)
    assert (call.idempotency_key, call.is_repeatable, call.key) == (key, twice, None)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Gateway.claims.list_claims(member_id="m-1:x"),
        lambda: Gateway.member.get_member("../secret"),
        lambda: Gateway.provider.get_provider(""),
        lambda: Gateway.provider.search_providers(ids=["a,b"]),
    ],
)
def test_what_is_no_id_gets_no_key_and_no_call(call) -> None:
    with pytest.raises(ValueError, match="not an id"):
        call()


def test_paths_are_encoded() -> None:
    assert Gateway.claims.get_claim("a/b?c").target == "/claims/a%2Fb%3Fc"


def test_every_method_is_named_for_its_operation_and_was_looked_at_here() -> None:
    methods = {
        (name, method)
        for name in SERVICES
        for method, _ in inspect.getmembers(getattr(Gateway, name), inspect.ismethod)
        if not method.startswith("_") and method != "sample"
    }

    assert methods == {
        (call.service, re.sub("(?=[A-Z])", "_", call.operation).lower()) for call, *_ in (*READS, *CHANGES)
    }
    assert [getattr(Gateway, name).name for name in SERVICES] == list(SERVICES)


def test_words_are_told_apart_in_keys_and_cannot_be_read_there(settings) -> None:
    one, same, other = (Gateway.provider.search_providers(q=q).key for q in ("siti hiv", "siti hiv", "siti"))

    assert one == same != other
    assert re.fullmatch(r"provider:list:q=[0-9a-f]{32}&limit=20&offset=0~[0-9a-f]{12}", str(one))
    settings.SECRET_KEY = "another"
    assert Gateway.provider.search_providers(q="siti hiv").key != one
