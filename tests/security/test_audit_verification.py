"""The audit trail is whole after what the gateway does itself: rows, retention, new keys, new chains."""

import datetime
import io
import json
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gateway_clients.audit.chain import EPOCH
from gateway_clients.audit.recorder import Recorder
from gateway_clients.audit.retention import drop_before
from gateway_clients.audit.verification import Head, heads_in, verify
from gateway_clients.instrumentation.ecs import ecs_line
from gateway_clients.models import AuditChain, AuditEntry
from tests.security.audit_chains import CHAIN, ENTRY, chain_id, change, found, look, written


def test_a_trail_that_nobody_touched_is_whole(trail: Recorder) -> None:
    name = written(trail)

    assert verify().findings == []
    assert AuditChain.objects.get(name=name).length == 5
    assert [entry.number for entry in AuditEntry.objects.filter(chain__name=name)] == [1, 2, 3, 4, 5]


def test_what_is_past_its_retention_goes_and_the_rest_is_whole(db: None) -> None:
    second = 1_000_000
    start = time.time_ns() // 1000
    clock = iter(range(start + second, start + 9 * second, second))
    name = written(Recorder(clock=lambda: next(clock)))
    end = EPOCH + datetime.timedelta(microseconds=start + 3 * second + second // 2)

    assert drop_before(end) == 3
    assert drop_before(end) == 0

    assert [entry.number for entry in AuditEntry.objects.filter(chain__name=name)] == [4, 5]
    assert found(name) == []
    change(f"DELETE FROM {ENTRY} WHERE chain_id = {chain_id(name)} AND number = 4")
    assert [number for number, _ in found(name)] == [4]


def test_a_row_behind_the_end_of_its_chain_takes_no_other_with_it(db: None) -> None:
    second = 1_000_000
    start = time.time_ns() // 1000
    clock = iter(range(start + second, start + 9 * second, second))
    name = written(Recorder(clock=lambda: next(clock)))
    forged = AuditEntry.objects.get(chain__name=name, number=1)
    forged.pk, forged.number = None, 7
    forged.save(force_insert=True)

    assert drop_before(EPOCH + datetime.timedelta(microseconds=start + 3 * second + second // 2)) == 3

    assert [entry.number for entry in AuditEntry.objects.filter(chain__name=name)] == [4, 5, 7]
    assert [number for number, _ in found(name)] == [6, 6]


def test_a_new_key_signs_and_the_old_one_still_verifies(trail: Recorder, settings: Any) -> None:
    old, new = "an-old-key-of-the-audit-trail-of-32-bytes", "a-new-key-of-the-audit-trail-of-32-bytes"
    settings.AUDIT_KEYS = (old,)
    trail.commit([look()])
    settings.AUDIT_KEYS = (new, old)
    trail.commit([look()])
    name = AuditChain.objects.latest("pk").name

    assert found(name) == []
    settings.AUDIT_KEYS = (new,)
    assert [number for number, _ in found(name)] == [None, None, 1]


def test_a_key_that_is_gone_is_named(trail: Recorder, settings: Any) -> None:
    name = written(trail, 1)
    sealed_with = AuditChain.objects.get(name=name).key_id
    settings.AUDIT_KEYS = ("another-key-of-the-audit-trail-of-32-bytes",)

    assert (None, f"it is sealed with the key {sealed_with}, which AUDIT_KEYS does not have.") in found(name)


def test_a_process_that_meets_another_state_of_its_chain_begins_a_new_one(trail: Recorder) -> None:
    name = written(trail, 2)
    change(f"UPDATE {CHAIN} SET length = 1 WHERE name = '{name}'")

    trail.commit([look("m-9")])

    newest = AuditChain.objects.latest("pk")
    assert (newest.predecessor, newest.length) == (name, 1)


def test_the_command_says_that_all_is_whole_or_where_it_is_not(trail: Recorder, tmp_path: Any) -> None:
    name, out = written(trail), io.StringIO()
    call_command("audit", "verify", stdout=out)
    assert "is whole" in out.getvalue()

    change(f"DELETE FROM {ENTRY} WHERE chain_id = {chain_id(name)} AND number = 2")
    errors = io.StringIO()
    with pytest.raises(CommandError, match="1 findings"):
        call_command("audit", "verify", stderr=errors)
    assert f"Chain {name}, row 2: it is missing." in errors.getvalue()


def test_heads_are_read_from_the_lines_of_a_log() -> None:
    lines = [
        '{"event":"request"}',
        'web_1 | {"chain":"c","length":3,"mac":"00ff","event":"audit.head","level":"info"}',
        "audit.head that is {no JSON",
        '{"event":"audit.head"}',
        json.dumps(ecs_line({"chain": "d", "length": 4, "mac": "ff00", "event": "audit.head", "level": "info"})),
    ]
    assert list(heads_in(lines)) == [Head("c", 3, "00ff"), Head("d", 4, "ff00")]
